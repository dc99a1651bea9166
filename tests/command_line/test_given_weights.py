"""Weights of one's own on the command line: which were taken, how good they are, and other statistics for them."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mipp_core import load_dataset
from mipp_core.command_line import main
from mipp_core.data import Normalisation
from mipp_core.evaluation import accuracy
from mipp_core.models import architecture
from mipp_core.reports.archive import load_run
from mipp_core.store import Store

MLP = architecture("mlp", (1, 28, 28), 10)
NONE = ["--model", "mlp", "--recipe", "none", "--retrain-recipe", "none", "--json"]


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file with plain weights and averages of them, in half precision."""
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    state = {name: tensor.half() for name, tensor in MLP.build(seed=5).state_dict().items()}
    path = tmp_path / "mine.ckpt"
    torch.save({"ema": {name: tensor / 2 for name, tensor in state.items()}, "model": state}, path)
    return str(path)


def measured(seed: int = 5, normalisation: Normalisation | None = None) -> float:
    network = MLP.build(seed)
    network.load_state_dict({name: tensor.half().float() for name, tensor in network.state_dict().items()})
    return accuracy(network.eval(), load_dataset("mnist-sample", normalisation=normalisation).test)


def test_what_was_taken_and_its_accuracy_are_said_at_once(weights: str, capsys):
    assert main(["train", *NONE[:4], "--weights", weights, "--json"]) == 0
    out, said = capsys.readouterr()
    assert "mine.ckpt: The file has several sets of weights that fit: 'model' is taken, not 'ema'.\n" in said
    assert "mine.ckpt: Its numbers are float16 and become float32.\n" in said
    assert f"mine.ckpt: {measured():.1%} of 2,000 test images\n" in said
    assert json.loads(out)["accuracy"] == measured()


def test_another_entry_is_taken_on_request(weights: str, capsys):
    assert main(["train", *NONE[:4], "--weights", weights, "--entry", "ema", "--json"]) == 0
    out, said = capsys.readouterr()
    assert "'ema' is taken, not 'model'" in said
    name = json.loads(out)["spec"]["weights"]
    kept = Store.at().blobs.get(name)
    assert kept is not None
    assert torch.equal(kept["fc1.weight"], (MLP.build(5).fc1.weight.half() / 2).float())


@pytest.mark.parametrize("command", ["train", "prune", "sweep"])
def test_every_command_that_takes_weights_says_their_accuracy_and_takes_statistics(command: str, weights: str, capsys):
    given = Normalisation((0.9,), (0.05,))
    point = {"train": [], "prune": ["--confidence", "0.9"], "sweep": ["--levels", "1"]}[command]
    quick = ["members=2", "hidden=[8]", "fit_steps=20", "refit_steps=2", "unit_steps=2", "rank_steps=2", "samples=200"]
    words = [] if command == "train" else [*NONE[4:6], *(word for each in quick for word in ("--set", each))]
    statistics = ["--mean", "0.9", "--std", "0.05"]
    assert main([command, *NONE[:4], "--weights", weights, *point, *words, *statistics, "--json"]) == 0
    out, said = capsys.readouterr()
    assert f"mine.ckpt: {measured(normalisation=given):.1%} of 2,000 test images\n" in said
    network = json.loads(out)["spec"]["network"] if command != "train" else json.loads(out)["spec"]
    assert (network["mean"], network["std"]) == ([0.9], [0.05])


def test_weights_that_are_trained_on_are_measured_before(weights: str, capsys):
    assert main(["train", "--model", "mlp", "--recipe", "live-retrain", "--weights", weights, "--json"]) == 0
    out, said = capsys.readouterr()
    assert f"mine.ckpt: {measured():.1%} of 2,000 test images\n" in said
    assert json.loads(out)["accuracy"] > measured() + 0.3


def test_a_grid_says_it_once(weights: str, capsys, monkeypatch):
    monkeypatch.setattr("mipp_core.command_line.sweeping.run_here", lambda *_: None)
    assert main(["sweep", *NONE[:4], "--weights", weights, "--seed", "0,1", "--json"]) == 0
    assert capsys.readouterr().err.count("of 2,000 test images") == 1


def test_a_run_with_statistics_says_them_in_its_files(weights: str, tmp_path: Path, capsys):
    words = ["prune", *NONE[:4], "--pruner", "mipp", "--confidence", "0.6", "--weights", weights, *NONE[4:]]
    quick = ["members=2", "hidden=[8]", "fit_steps=20", "refit_steps=2", "unit_steps=2", "rank_steps=2", "samples=200"]
    words += [word for each in quick for word in ("--set", each)]
    assert main([*words, "--mean", "0.1", "--std", "0.3", "--save-dir", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "slim.json").read_text())["normalisation"] == {"mean": [0.1], "std": [0.3]}
    document = load_run(tmp_path / "out")
    assert document is not None
    assert document["spec"]["network"]["mean"] == [0.1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--mean", "0.1", "0.2", "--std", "1", "1"], "The mean has 2 numbers and the images have 1 channels"),
        (["--mean", "0.1"], "The mean is given alone; give mean and std, or neither."),
        (["--mean", "0.1", "--std", "0"], "The std 0 is not above 0 in every channel"),
        (["--mean", "nan", "--std", "1"], "The mean nan is not finite"),
        (["--mean", "a", "--std", "1"], "The mean 'a' is not numbers; write one per channel"),
        (["--entry", "ema"], "--entry chooses from a file of weights; give the file with --weights."),
        (["--weights", "nowhere/net.th"], "There is no file nowhere/net.th; give a file of weights"),
    ],
)
@pytest.mark.parametrize("command", ["train", "sweep"])
def test_what_cannot_be_is_a_sentence(
    command: str, words: list[str], sentence: str, tmp_path: Path, capsys, monkeypatch
):
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    assert main([command, "--model", "mlp", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_an_entry_that_is_not_there_is_a_sentence(weights: str, tmp_path: Path, capsys):
    assert main(["train", *NONE[:4], "--weights", weights, "--entry", "best"]) == 2
    assert "No weights in the file are called 'best'; choose one of: 'model', 'ema'." in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_weights_of_safetensors_are_measured_too(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))
    save_file(
        {f"module.{name}": tensor for name, tensor in MLP.build(5).state_dict().items()}, tmp_path / "a.safetensors"
    )
    assert main(["train", *NONE[:4], "--weights", str(tmp_path / "a.safetensors"), "--json"]) == 0
    assert "a.safetensors: " in capsys.readouterr().err
