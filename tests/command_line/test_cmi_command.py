"""The command ``cmi``, and pruning by CMI without an amount."""

import json

import pytest

from mipp_core.command_line import main

SMALL = ["--model", "mlp", "--widths", "12,8", "--recipe", "none", "--set", "alpha=2", "--set", "samples=60"]


def test_it_orders_one_layer_and_asks_every_rule(tmp_path, capsys):
    words = [*SMALL, "--layer", "fc2", "--set", "shuffles=10", "--store", str(tmp_path)]
    main(["cmi", *words, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert sorted(found["order"]) == list(range(8))
    assert len(found["cmi"]) == len(found["joint_entropy"]) == 9
    assert found["cmi"][-1] == 0 and found["cmi"][0] == pytest.approx(max(found["cmi"]))
    assert 0 <= found["chance"] < 4
    assert set(found["cuts"]) == {"scree", "ratios", "x-means", "permutation"}
    assert all(1 <= kept <= 8 for kept in found["cuts"]["scree"])
    main(["cmi", *words])
    text = capsys.readouterr().out
    assert "kept by Scree (ratio)" in text and "bits" in text


def test_saturation_is_said_with_a_remedy(tmp_path, capsys):
    main(["cmi", *SMALL, "--layer", "fc1", "--set", "width_factor=0.01", "--store", str(tmp_path)])
    text = capsys.readouterr().out
    assert "has come within 1% of its limit, log2(60) = 5.91 bits, after 2 picks:" in text
    assert "width=shared" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--layer", "conv9"], "There is no layer 'conv9' to prune; there are: fc1, fc2."),
        (["--layer", "fc1", "--pruner", "mipp"], "mipp does not order units by CMI; choose cmi."),
        (["--layer", "fc1", "--set", "alpha=-1.5"], "The setting alpha is -1.5; it must be above 0."),
    ],
)
def test_what_cannot_be_is_a_sentence(words, said, tmp_path, capsys):
    model = ["--model", "mlp", "--widths", "12,8", "--recipe", "none", "--store", str(tmp_path)]
    assert main(["cmi", *model, *words]) != 0
    assert said in capsys.readouterr().err


def test_without_an_amount_its_own_ratios_are_taken(tmp_path, capsys):
    words = [*SMALL, "--set", "validation=60", "--retrain-recipe", "none", "--store", str(tmp_path), "--pruner", "cmi"]
    main(["prune", *words, "--json"])
    found = json.loads(capsys.readouterr().out)
    (level,) = found["levels"]
    assert level["level"] == 20
    kept = {cut["layer"]: cut["kept"] for cut in found["orders"]["layers"]}
    assert {layer["name"]: layer["kept"] for layer in level["layers"]} == kept
    main(["prune", *words])
    assert "  own " in capsys.readouterr().out


def test_another_ranking_pruner_needs_an_amount(tmp_path, capsys):
    assert main(["prune", "--pruner", "magnitude", "--store", str(tmp_path)]) != 0
    assert "Say how much magnitude is to prune" in capsys.readouterr().err
