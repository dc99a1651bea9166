"""Networks of torchvision and of a person's own file, from the command line to the slim network and back."""

import json
from pathlib import Path

import pytest
from safetensors.torch import save_file

from mipp_core.command_line import main
from mipp_core.models import architecture, from_file
from mipp_core.reports.archive import load_slim

OWN = """
from torch import nn

class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner, self.outer, self.relu = nn.Linear(width, 9), nn.Linear(9, width), nn.ReLU()

    def forward(self, x):
        return x + self.outer(self.relu(self.inner(x)))

def build(image_shape, classes):
    pixels = image_shape[0] * image_shape[1] * image_shape[2]
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 7), Residual(7), nn.Linear(7, classes))
"""
TINY = ["members=2", "hidden=[8]", "fit_steps=20", "refit_steps=2", "unit_steps=2", "rank_steps=2", "samples=200"]
QUICK = ["--recipe", "none", "--retrain-recipe", "none", "--json", *(word for s in TINY for word in ("--set", s))]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    (tmp_path / "net.py").write_text(OWN)
    return f"{tmp_path}/net.py:build"


def test_a_network_of_ones_own_is_pruned_stored_exported_and_timed(own: str, tmp_path: Path, capsys, monkeypatch):
    out = str(tmp_path / "out")
    assert main(["prune", "--model", own, "--confidence", "0.9", "--save-dir", out, *QUICK]) == 0
    document = json.loads(capsys.readouterr().out)
    level = document["levels"][0]
    assert [layer["name"] for layer in level["layers"]] == ["1", "2.inner", "2.outer"]
    assert document["spec"]["network"]["model"].startswith("file:net.py:build@")
    slim = load_slim(Path(out))
    kept = {layer["name"]: max(1, layer["kept"]) for layer in level["layers"]}
    assert slim.get_submodule("2.inner").out_features == kept["2.inner"]
    monkeypatch.setattr(from_file, "_NAMED", {})  # another process
    assert main(["latency", out, "--batches", "1", "--seconds", "0.1", "--json"]) == 2
    assert "only run when you name it" in capsys.readouterr().err
    assert main(["latency", out, "--model", own, "--batches", "1", "--seconds", "0.1", "--json"]) == 0
    assert main(["export", out, "--model", own, "--format", "pt2", "--json"]) == 0


def test_a_run_of_a_file_nobody_named_is_shown_and_never_run_again(own: str, tmp_path: Path, capsys, monkeypatch):
    assert main(["prune", "--model", own, "--confidence", "0.9", *QUICK]) == 0
    name = json.loads(capsys.readouterr().out)["hash"]
    monkeypatch.setattr(from_file, "_NAMED", {})
    (tmp_path / "net.py").write_text("raise SystemExit('run')")
    assert main(["runs", "list", "--json"]) == 0
    assert name in capsys.readouterr().out
    assert main(["runs", "show", name[:8]]) == 0


def test_weights_of_ones_own_are_where_pruning_starts(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    given = architecture("mlp", (1, 28, 28), 10).build(seed=5)
    save_file(given.state_dict(), tmp_path / "mine.safetensors")
    words = ["--model", "mlp", "--weights", str(tmp_path / "mine.safetensors"), "--confidence", "0.9"]
    assert main(["prune", *words, *QUICK]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["spec"]["network"]["weights"]) == 64
    assert main(["train", "--model", "mlp", "--seed", "5", "--recipe", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == document["dense_accuracy"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model", "torchvision:resnet19"], "There is no model called 'torchvision:resnet19'"),
        (["--model", "torchvision:alexnet"], "torchvision:alexnet cannot read images of 1×28×28"),
        (["--model", "vgg16"], "vgg16 cannot read images of 28x28: use images of at least 32x32"),
        (["--model", "nowhere.py:build"], "The file nowhere.py cannot be run"),
        (["--weights", "IMAGENET1K_V9"], "There are no pretrained weights called 'IMAGENET1K_V9'"),
        (
            ["--model", "torchvision:resnet50", "--weights", "IMAGENET1K_V2"],
            "The weights IMAGENET1K_V2 are for 1000 classes and this dataset has 10",
        ),
        (["--weights", "nowhere/net.pt"], "There is no file nowhere/net.pt; give a file of weights"),
        (["--seed", "0,1"], "This command takes one run, not 2; give one value per flag, or use sweep."),
        (["--weights", "0" * 64], "This machine has no weights called"),
    ],
)
def test_what_cannot_be_is_a_sentence(words: list[str], sentence: str, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    assert main(["prune", "--confidence", "0.9", *words, *QUICK]) in (1, 2)
    assert sentence in capsys.readouterr().err


def test_the_plan_is_said_before_and_on_its_own(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    assert main(["plan", "--model", "mlp", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["as asked"]["pruning"]["units"] == 400
    assert [each["pruning"]["how"] for each in found.values()] == ["3 regressors per test", "2 regressors per test"]
    for each in found.values():
        plan = each["pruning"]
        assert 0 < plan["least_seconds"] <= plan["usual_seconds"] <= plan["most_seconds"]
    assert main(["prune", "--model", "mlp", "--confidence", "0.9", *QUICK]) == 0
    said = capsys.readouterr().err
    assert "400 units of 2 layers; 200 samples, 2 regressors per test" in said
    assert main(["plan", "--model", "mlp", "--pruner", "mipp-closed-form", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"as asked"}
    assert found["as asked"]["pruning"]["how"] == "regressions on up to 300 columns"
    assert main(["plan", "--model", "mlp", "--pruner", "magnitude"]) == 0
    assert "not known for this pruner" in capsys.readouterr().out


def test_the_small_setting_is_a_setting_like_any_other(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    assert main(["prune", "--model", "mlp", "--small", "--confidence", "0.9", *QUICK]) == 0
    settings = json.loads(capsys.readouterr().out)["spec"]["settings"]
    assert (settings["longest_block"], settings["samples"]) == (32, 200)
