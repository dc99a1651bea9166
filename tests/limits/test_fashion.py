import json
from dataclasses import replace

import pytest
import torch

from mipp_core.command_line import main
from mipp_core.data import load_dataset
from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.limits import fashion
from mipp_core.limits.fashion import FULL, SMALL, accuracies, measure, noisy
from mipp_core.limits.mlp_masks import MASKS
from mipp_core.limits.mlps import drawn

TINY = replace(SMALL, seeds=2, images=150, scored=100, width=16, epochs=2, sparsities=(0.8, 0.9))


@pytest.fixture(scope="module")
def data():
    return load_dataset("mnist-sample")


def test_images_have_variance_one_and_get_noise_of_the_variance_asked_once_for_all_seeds(data):
    clean, found = noisy(data, replace(TINY, variance=0.0)), noisy(data, TINY)
    assert clean.inputs[0].mean().item() == pytest.approx(0, abs=1e-5)
    assert clean.inputs[0].std().item() == pytest.approx(1, abs=1e-4)
    assert (found.inputs[0] - clean.inputs[0]).var().item() == pytest.approx(3, rel=0.02)
    assert torch.equal(found.inputs[0], found.inputs[1]) and found.inputs.stride(0) == 0
    assert torch.equal(found.wanted[1], data.train.fixed(150).labels)


def test_accuracies_are_shares_of_images(data):
    points, networks = noisy(data, TINY), drawn((784, 16, 16, 10), (0, 1))
    for seed, share in enumerate(accuracies(networks, points)):
        hidden = points.inputs[seed]
        for weights, biases in zip(networks.weights[:-1], networks.biases[:-1], strict=True):
            hidden = (hidden @ weights[seed].T + biases[seed]).relu()
        said = (hidden @ networks.weights[-1][seed].T + networks.biases[-1][seed]).argmax(1)
        assert share == pytest.approx((said == points.wanted[seed]).double().mean().item())


def test_a_study_has_a_row_per_pruner_and_sparsity_and_is_plain_json():
    found = measure(TINY)
    assert [(row["pruner"], row["sparsity"]) for row in found["rows"]] == [(n, s) for n in MASKS for s in (0.8, 0.9)]
    weights = 784 * 16 + 16 * 16 + 160
    assert found["weights"] == weights and found["images"] == 150
    for row in found["rows"]:
        assert row["kept"] == round((1 - row["sparsity"]) * weights)
        assert len(row["each"]) == 2 and row["accuracy"] == pytest.approx(sum(row["each"]) / 2)
    assert json.loads(json.dumps(found, allow_nan=False))["setting"]["dataset"] == "mnist-sample"


def test_one_seed_alone_is_that_row_of_the_batch():
    alone, together = measure(replace(TINY, seeds=1))["rows"], measure(TINY)["rows"]
    for one, both in zip(alone, together, strict=True):
        assert one["each"][0] == pytest.approx(both["each"][0], abs=0.02), one["pruner"]


def test_bad_values_are_refused():
    with pytest.raises(SettingError, match="-1 images; give 0 to"):
        replace(FULL, images=-1)
    with pytest.raises(UnknownNameError, match="dataset called 'atlantis'"):
        measure(replace(TINY, dataset="atlantis"))


def test_the_command_prints_json_and_a_table(capsys, monkeypatch):
    monkeypatch.setattr(fashion, "SMALL", replace(TINY, sparsities=(0.99,)))
    assert main(["limits", "fashion", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["published"]["accuracy"]["imp"] == 0.66
    assert main(["limits", "fashion", "--seeds", "1", "--dataset", "mnist-sample"]) == 0
    assert "66.0%" in capsys.readouterr().out
    assert main(["limits", "fashion", "--dataset", "atlantis"]) == 2
