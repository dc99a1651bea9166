"""The README's Python runs as it stands."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
ROOMS = re.compile(r"`(mipp_core/[\w/]+(?:\.py|/))`")


def python_example():
    return re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL).group(1)


def test_python_example_runs_in_at_most_ten_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    code = python_example()
    assert len([line for line in code.splitlines() if line]) <= 10
    # A quicker estimator and recipe; the calls are the README's own.
    code = code.replace("seed=0)", "seed=0, widths=(3, 4, 8, 6), recipe=Recipe(1))", 1)
    code = code.replace("confidences=", "settings=QUICK, confidences=", 1)
    given = (
        "from mipp_core import Mipp, Recipe\nQUICK = Mipp(hidden=(16,), fit_steps=100, unit_steps=2, samples=1000)\n"
    )
    names = {}
    exec(given + code, names)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in lines] == ["0.75", "0.99"]
    assert not names["network"].training


@pytest.mark.parametrize("room", ROOMS.findall(README.read_text()))
def test_rooms_named_in_the_readme_exist(room):
    assert (README.parent / room).exists()
