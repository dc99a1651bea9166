"""Which slim network `export` and `latency` are about: one point of a run in a folder or in the store."""

import json
from pathlib import Path

import pytest
import torch

from mipp_core.command_line import main
from mipp_core.reports.archive import load_slim, shipped_runs

NETWORK = ["--model", "mlp", "--widths", "12,10", "--recipe", "none", "--retrain-recipe", "none"]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, and the folder of a sweep of two points."""
    folder = tmp_path_factory.mktemp("swept")
    words = ["--pruner", "magnitude", "--sparsities", "0.5,0.75", "--save-dir", str(folder / "out")]
    assert main(["sweep", *NETWORK, "--store", str(folder / "store"), *words]) == 0
    return folder


def name_of(swept: Path) -> str:
    return json.loads((swept / "out" / "run.json").read_text())["hash"]


@pytest.mark.parametrize(
    ("way", "kept"),
    [
        (["--level", "1"], 5),
        (["--sparsity", "0.5"], 11),
        (["--sparsity", "0.75"], 5),
        (["--sparsity", "0.773"], 5),
        (["--parameters", "0.503"], 11),
    ],
)
@pytest.mark.parametrize("where", ["folder", "store"])
def test_a_point_is_exported_with_all_its_files(where: str, way: list[str], kept: int, swept: Path, tmp_path: Path):
    named = str(swept / "out") if where == "folder" else name_of(swept)[:8]
    words = ["--format", "pt2", "--save-dir", str(tmp_path / "new"), "--store", str(swept / "store")]
    assert main(["export", named, *way, *words]) == 0
    masks = json.loads((tmp_path / "new" / "slim.json").read_text())["masks"]
    assert sum(len(layer["kept_units"]) for layer in masks.values()) == kept
    images = torch.rand(3, 1, 28, 28)
    written = torch.export.load(tmp_path / "new" / "slim.pt2").module()(images)
    torch.testing.assert_close(written, load_slim(tmp_path / "new")(images).detach())


def test_other_weights_are_made_again(swept: Path, tmp_path: Path):
    found = {}
    for weights in ("retrained", "pruned", "rebuilt"):
        words = ["--level", "0", "--weights", weights, "--format", "pt2", "--store", str(swept / "store")]
        assert main(["export", str(swept / "out"), *words, "--save-dir", str(tmp_path / weights)]) == 0
        found[weights] = load_slim(tmp_path / weights).state_dict()
        assert f"accuracy_{weights}" in json.loads((tmp_path / weights / "slim.json").read_text())
    assert torch.equal(found["retrained"]["fc1.weight"], found["pruned"]["fc1.weight"]), "the recipe none"
    assert not torch.equal(found["rebuilt"]["fc2.weight"], found["pruned"]["fc2.weight"])


def test_without_a_place_the_files_go_beside_the_run_or_into_a_folder_of_their_own(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for named in (str(swept / "out"), name_of(swept)):
        words = ["--level", "1", "--format", "pt2", "--store", str(swept / "store")]
        assert main(["export", named, *words]) == 0
    own = tmp_path / f"mipp-{name_of(swept)}-level-1"
    for folder in (swept / "out" / "level-1", own):
        assert {path.name for path in folder.iterdir()} == {"slim.json", "slim.safetensors", "slim.pt2"}
    assert main(["latency", str(own), "--batches", "1", "--seconds", "0.1"]) == 0


def test_a_shipped_run_is_a_folder_like_any_other(tmp_path: Path):
    folder = next(path for path in shipped_runs() if path.name == "trained-0")
    assert main(["export", str(folder), "--level", "3", "--format", "pt2", "--save-dir", str(tmp_path)]) == 0
    assert not load_slim(tmp_path).training


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "has 2 points; choose one with --level N or --sparsity X: 0 (50.0%), 1 (77.3%) of the units removed"),
        (["--level", "7"], "has no such point; choose one"),
        (["--sparsity", "0.6"], "has no such point; choose one"),
        (["--confidence", "0.9"], "has no such point; choose one"),
        (["--level", "0", "--sparsity", "0.75"], "has no such point; choose one"),
        (["--level", "0", "--weights", "recalibrated"], "has no recalibrated weights; choose one of: pruned, rebuilt"),
    ],
)
@pytest.mark.parametrize("command", ["export", "latency"])
def test_a_choice_that_makes_no_sense_says_what_there_is(
    command: str, words: list[str], part: str, swept: Path, capsys
):
    assert main([command, str(swept / "out"), *words, "--store", str(swept / "store")]) == 2
    assert part in capsys.readouterr().err


def test_names_that_nothing_has_are_sentences(swept: Path, tmp_path: Path, capsys):
    assert main(["export", "nothing", "--store", str(swept / "store")]) == 2
    assert "'nothing' is no folder, and no run's hash begins with it" in capsys.readouterr().err
    one = ["--level", "0", "--format", "pt2", "--save-dir", str(tmp_path), "--store", str(swept / "store")]
    assert main(["export", str(swept / "out"), *one]) == 0
    assert main(["export", str(tmp_path), "--level", "0"]) == 2
    assert "holds one slim network and no run" in capsys.readouterr().err


@pytest.mark.parametrize("broken", [{"levels": [{}]}, {"levels": 3}, {"spec": None}, {"parameters": 0}])
def test_a_damaged_run_is_a_sentence(broken: dict[str, object], swept: Path, tmp_path: Path, capsys):
    document = {**json.loads((swept / "out" / "run.json").read_text()), **broken}
    (tmp_path / "run.json").write_text(json.dumps(document))
    assert main(["export", str(tmp_path), "--level", "0", "--store", str(swept / "store")]) in (1, 2)
    assert "error: " in capsys.readouterr().err
