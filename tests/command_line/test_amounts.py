"""How much `prune` is to remove, and what it says of it."""

import json
import re
from pathlib import Path

import pytest

from mipp_core.command_line import main

NETWORK = ["--model", "mlp", "--widths", "12,10", "--recipe", "none", "--retrain-recipe", "none"]
QUICK = ["--set", "members=2", "--set", "hidden=[8]", "--set", "fit_steps=10", "--set", "unit_steps=1"]
FEW = ["--set", "samples=200", "--set", "rank_steps=1", "--set", "refit_steps=1"]
DENSE = {"parameters": 785 * 12 + 13 * 10 + 11 * 10, "macs": 784 * 12 + 12 * 10 + 10 * 10}


def prune(store: Path, *words: str) -> int:
    return main(["prune", *NETWORK, "--store", str(store), *words])


@pytest.mark.parametrize("of", ["parameters", "macs"])
@pytest.mark.parametrize("pruner", [["--pruner", "magnitude"], ["--pruner", "mipp", *QUICK, *FEW]])
def test_a_share_of_the_network_is_removed_and_the_result_can_be_exported(
    of: str, pruner: list[str], tmp_path: Path, capsys
):
    assert prune(tmp_path, *pruner, f"--{of}", "0.4", "--save-dir", str(tmp_path / "out"), "--json") == 0
    (level,) = json.loads(capsys.readouterr().out)["levels"]
    a_unit_of_the_first = 785 + 10
    assert abs(level[of] - 0.6 * DENSE[of]) <= a_unit_of_the_first
    assert main(["export", str(tmp_path / "out"), "--format", "pt2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["written"][0]["path"] == str(tmp_path / "out" / "slim.pt2")


def test_what_was_reached_is_said(tmp_path: Path, capsys):
    assert prune(tmp_path, "--pruner", "magnitude", "--sparsity", "0.5") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "removed: 50.0% of the units, 50.3% of the parameters, 50.3% of the MACs"


def test_scope_and_floor_hold(tmp_path: Path, capsys):
    words = ["--pruner", "magnitude", "--scope", "global", "--sparsity", "0.5", "--floor", "4", "--json"]
    assert prune(tmp_path, *words) == 0
    answer = capsys.readouterr()
    (level,) = json.loads(answer.out)["levels"]
    assert sum(layer["kept"] for layer in level["layers"]) == 11
    assert min(layer["kept"] for layer in level["layers"]) >= 4
    assert "no unit" not in answer.err.lower()


def test_a_collapse_is_said_with_its_remedies(tmp_path: Path, capsys):
    assert prune(tmp_path, "--pruner", "magnitude", "--scope", "global", "--sparsity", "0.6") == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        "warning: No unit is left in fc2, so the network gives one answer for every image; ask for a smaller share, or "
        "keep some with --floor 1, or spread it with --scope layer."
    )
    words = ["--pruner", "magnitude", "--scope", "global", "--sparsities", "0.1,0.6,0.9"]
    assert main(["sweep", *NETWORK, "--store", str(tmp_path), *words]) == 0
    said = capsys.readouterr().err
    assert re.search(r"warning: At 2 of 3 points, the first with 59\.1% of the units removed, no unit is left in", said)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--pruner", "magnitude"], "Say how much magnitude is to prune, and this command has none: --sparsity 0.5,"),
        ([], "Say how much mipp is to prune, and this command has none: --confidence 0.99, or --sparsity 0.5"),
        (["--confidence", "0.9", "--macs", "0.5"], "and give only one"),
        (["--pruner", "snip", "--macs", "0.5", "--parameters", "0.5"], "and give only one"),
        (
            ["--pruner", "magnitude", "--confidence", "0.9"],
            "leave the confidence out, and give --sp",
        ),
        (["--confidence", "1"], "The confidence 1.0 is outside [0.5, 1)"),
        (["--confidence", "0.9", "--scope", "layer"], "leave --scope and --floor out"),
        (["--macs", "0.3", "--floor", "1"], "leave --scope and --floor out"),
        (["--pruner", "magnitude", "--macs", "1.5"], "The share of MACs to remove is 1.5; give 0 (keep all) to 1"),
        (["--pruner", "magnitude", "--sparsity", "nan"], "The share of units to remove is nan"),
        (["--pruner", "magnitude", "--macs", "0.99"], "at most 91.7% of this network's can be removed; "),
        (["--pruner", "magnitude", "--macs", "0.9", "--floor", "3"], "with a floor of 3"),
        (["--pruner", "magnitude", "--macs", "0.5", "--floor", "-1"], "The floor is -1; it must be at least 0"),
        (["--pruner", "magnitude", "--macs", "0.5", "--scope", "layers"], "The scope is 'layers'; it must be"),
        (["--pruner", "thinet", "--macs", "0.5", "--scope", "global"], "cannot prune with scope global; choose layer"),
    ],
)
def test_an_amount_that_makes_no_sense_is_a_sentence_before_anything_is_trained(
    words: list[str], part: str, tmp_path: Path, capsys
):
    assert prune(tmp_path / "store", *words, "--save-dir", str(tmp_path / "out")) == 2
    said = capsys.readouterr()
    assert part in said.err.splitlines()[-1]
    assert said.out == ""
    assert not (tmp_path / "out").exists()


def test_a_sweep_takes_shares_of_parameters_too(tmp_path: Path, capsys):
    words = ["--pruner", "magnitude", "--sparsities", "0.2,0.6", "--share-of", "parameters", "--json"]
    assert main(["sweep", *NETWORK, "--store", str(tmp_path), *words]) == 0
    levels = json.loads(capsys.readouterr().out)["levels"]
    gone = [1 - level["parameters"] / DENSE["parameters"] for level in levels]
    assert gone == pytest.approx([0.2, 0.6], abs=(785 + 10) / DENSE["parameters"])
