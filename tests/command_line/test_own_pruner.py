"""A pruner in a file of the user's own: ``--pruner PATH.py:CLASS``."""

import json
from pathlib import Path

import pytest

from mipp_core.command_line import main
from mipp_core.errors import SettingError
from mipp_core.pruners import describe, from_file, kind_of, load_pruner, pruner
from mipp_core.reports.archive import command_of
from mipp_core.runs import RunSpec

MINE = '''
"""Mine."""
from dataclasses import dataclass
from mipp_core.pruners import Ranker, Scores, at_least, setting
from mipp_core.network.layers import wiring_of
import torch

@dataclass(frozen=True)
class Mine(Ranker):
    """Keep the first units.

    Attributes:
        step: between scores.
    """
    step: int = setting(1, at_least(1))

    def scores(self, model, data, seed) -> Scores:
        return {layer.name: -torch.arange(layer.units) * float(self.step) for layer in wiring_of(model).layers}
'''
NETWORK = ["--model", "mlp", "--widths", "6,4", "--recipe", "none", "--retrain-recipe", "none"]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(from_file, "_NAMED", {})
    (tmp_path / "mine.py").write_text(MINE)
    return f"{tmp_path / 'mine.py'}:Mine"


def test_a_sweep_uses_it_with_its_settings(mine: str, capsys: pytest.CaptureFixture[str]):
    words = [
        "sweep",
        *NETWORK,
        "--pruner",
        mine,
        "--set",
        "step=2",
        "--scope",
        "layer",
        "--sparsities",
        "0.5",
        "--json",
    ]
    assert main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert [layer["kept_units"] for layer in document["levels"][0]["layers"]] == [[0, 1, 2], [0, 1]]
    assert document["spec"]["settings"] == {"step": 2}
    assert "--pruner mine.py:Mine" in command_of(RunSpec.from_json(document["spec"]))


def test_its_name_has_its_content_in_it_and_nothing_is_run_when_a_run_is_read(mine: str, tmp_path: Path):
    name = load_pruner(mine)
    spec = RunSpec(pruner=name, settings=pruner(name))
    assert RunSpec.from_json(spec.to_json()) == spec
    assert describe(pruner(name)).text == "Keep the first units."
    (tmp_path / "mine.py").write_text(MINE.replace("-torch", "torch"))
    other = load_pruner(mine)
    assert RunSpec(pruner=other, settings=pruner(other)).hash != spec.hash
    from_file._NAMED.clear()  # another process
    with pytest.raises(SettingError, match="only run when you name it"):
        RunSpec.from_json(spec.to_json())


def test_a_setting_out_of_its_range_is_a_sentence(mine: str, capsys: pytest.CaptureFixture[str]):
    assert main(["sweep", *NETWORK, "--pruner", mine, "--set", "step=0", "--sparsities", "0.5"]) == 2
    assert "The setting step is 0; it must be at least 1." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "wanted", "words"),
    [
        ("1 / 0", "Mine", "cannot be run .ZeroDivisionError"),
        ("def Mine(): pass", "Mine", "is not a pruner; derive|is no pruner; derive"),
        ("x = 3", "Mine", "has no class 'Mine'"),
        ("from mipp_core.pruners import Ranker\nclass Mine(Ranker): pass", "Mine", "does not define scores"),
        (MINE.replace("@dataclass(frozen=True)", ""), "Mine", "is not a frozen dataclass"),
        (MINE, "Other", "has no class 'Other'"),
    ],
)
def test_a_file_without_a_pruner_is_a_sentence(text: str, wanted: str, words: str, tmp_path: Path):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(SettingError, match=words):
        load_pruner(f"{tmp_path / 'mine.py'}:{wanted}")


def test_a_file_that_is_not_there_is_a_sentence(capsys: pytest.CaptureFixture[str]):
    assert main(["sweep", *NETWORK, "--pruner", "nowhere.py:Mine", "--sparsities", "0.5"]) == 2
    assert "The file nowhere.py cannot be run (FileNotFoundError" in capsys.readouterr().err


def test_the_registry_does_not_know_it(mine: str):
    name = load_pruner(mine)
    assert kind_of(name).__name__ == "Mine"
    with pytest.raises(SettingError, match="only run when you name it"):
        kind_of(name.replace("Mine", "Other"))
