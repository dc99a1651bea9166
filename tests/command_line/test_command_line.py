import json
import os
import subprocess
import sys

import pytest

from mipp_core.command_line import main
from mipp_core.reports.archive import load_slim

TINY = [
    *("--model", "mlp", "--widths", "6,5", "--recipe", "none", "--retrain-recipe", "none"),
    *("--set", "members=2", "--set", "hidden=[8]", "--set", "fit_steps=10", "--set", "unit_steps=1"),
    *("--set", "samples=200", "--set", "rank_steps=1", "--set", "refit_steps=1"),
]


@pytest.fixture(autouse=True)
def own_store(monkeypatch, tmp_path):
    monkeypatch.setenv("MIPP_STORE", str(tmp_path / "store"))


@pytest.mark.parametrize("listing", ["models", "datasets", "pruners"])
def test_listings(listing, capsys):
    assert main([listing, "--json"]) == 0
    names = [entry["name"] for entry in json.loads(capsys.readouterr().out)]
    assert main([listing]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines][: len(names)] == names


def test_sweep_prints_one_document(capsys):
    assert main(["sweep", *TINY, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["levels"]) == 20
    assert {"spec", "dense_accuracy", "levels", "seconds", "device", "versions"} <= set(document)
    layer = document["levels"][0]["layers"][0]
    assert {"name", "units", "kept", "pruning_ratio", "collapsed"} <= set(layer)


def test_sweep_prints_a_table(capsys):
    assert main(["sweep", *TINY]) == 0
    out = capsys.readouterr()
    assert len(out.out.splitlines()) == 22
    assert "Testing" in out.err


def test_prune_saves_a_network_that_loads(capsys, tmp_path):
    words = ["prune", *TINY, "--confidence", "0.99", "--pixels", "--save-dir", str(tmp_path / "out"), "--json"]
    assert main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["levels"][0]["layers"][0]["name"] == "input"
    assert load_slim(tmp_path / "out").network.fc1.out_features == max(1, document["levels"][0]["layers"][1]["kept"])


def test_train(capsys, tmp_path):
    words = ["train", "--model", "mlp", "--widths", "6,5", "--recipe", "none", "--save-dir", str(tmp_path), "--json"]
    assert main(words) == 0
    assert 0 <= json.loads(capsys.readouterr().out)["accuracy"] <= 1
    assert (tmp_path / "dense.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["sweep", "--model", "resnet99"], "lenet5, mlp"),
        (["sweep", "--dataset", "svhn"], "mnist-sample"),
        (["sweep", "--pruner", "axe"], "mipp, mipp-closed-form, random"),
        (["train", "--recipe", "slow"], "paper-mnist"),
        (["prune", "--confidence", "0.3"], "outside [0.5, 1)"),
        (["prune", "--confidence", "1"], "outside [0.5, 1)"),
        (["prune", "--confidence", "0.9", "--pruner", "random"], "leave the confidence out"),
        (["sweep", "--set", "members"], "NAME=VALUE"),
        (["sweep", "--set", "members=1"], "at least 2"),
        (["sweep", "--set", "colour=blue"], "it has: collapse"),
        (["sweep", "--widths", "a,b"], "whole numbers"),
        (["sweep", "--widths", "3"], "do not fit"),
        (["sweep", "--device", "toaster"], "cannot be used"),
        (["sweep", "--controls", "luck"], "random, magnitude, scratch"),
        (["sweep", "--deformation", "7"], "outside [0, 1]"),
    ],
)
def test_wrong_words_are_sentences(words, part, capsys):
    assert main([*words, "--json"]) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert part in out.err
    assert "Traceback" not in out.err
    assert len(out.err.strip().splitlines()) <= 3


def test_unwritable_folders_fail_with_a_sentence(capsys, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    words = ["train", "--model", "mlp", "--widths", "6,5", "--recipe", "none"]
    assert main([*words, "--save-dir", str(blocked / "x")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert main([*words, "--dataset", "mnist", "--data-dir", str(blocked)]) == 1
    assert "mnist-sample" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "mipp_core", "pruners"]
    found = subprocess.run(command, check=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (found.returncode, found.stderr) == (0, b"")
