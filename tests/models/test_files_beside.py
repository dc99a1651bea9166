"""A network's file may import others from its folder, and their contents are part of its name."""

from pathlib import Path

import pytest

from mipp_core.errors import ModelError
from mipp_core.models import family, load_file

NET = """
from torch import nn
from helper import hidden
from inner.more import head

def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(4, hidden), nn.ReLU(), head(hidden))

def late():
    import elsewhere_entirely
    return build()
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "__init__.py").touch()
    (tmp_path / "inner" / "more.py").write_text(
        "from torch import nn\n\ndef head(reads):\n    return nn.Linear(reads, 2)"
    )
    (tmp_path / "helper.py").write_text("hidden = 3")
    (tmp_path / "net.py").write_text(NET)
    return f"{tmp_path / 'net.py'}:build"


def test_they_are_imported_and_a_changed_one_makes_another_name(net: str, tmp_path: Path):
    first = load_file(net)
    assert family(first).build((), (1, 2, 2), 2)[1].out_features == 3
    assert load_file(net) == first
    (tmp_path / "helper.py").write_text("hidden = 5")
    second = load_file(net)
    assert second != first
    assert family(second).build((), (1, 2, 2), 2)[1].out_features == 5


def test_what_is_imported_too_late_is_a_sentence(net: str):
    name = load_file(net.replace(":build", ":late"))
    with pytest.raises(ModelError, match="imports elsewhere_entirely, which is not installed; import files beside it"):
        family(name).build((), (1, 2, 2), 2)
