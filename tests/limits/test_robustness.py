import json
from dataclasses import replace
from math import comb, log2, sqrt

import pytest
import torch

from mipp_core.command_line import main
from mipp_core.errors import SettingError
from mipp_core.limits import robustness
from mipp_core.limits.memorisation import Memorisation, random_points
from mipp_core.limits.mlp_training import Points
from mipp_core.limits.mlps import Mlps, answers, drawn
from mipp_core.limits.robustness import SMALL, Robustness, measure, steepness

TINY = Robustness(3, points=10, features=6, width=16, epochs=400, rate=1e-2, between=40, sparsities=(0.0, 0.5, 0.99))


def test_a_linear_network_is_as_steep_as_its_weights():
    weights = torch.tensor([[[3.0, 4.0]], [[0.0, 1.0]]])
    points = Points(torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0)), torch.zeros(2, 5), (0, 1))
    found = steepness(Mlps((weights,), (torch.zeros(2, 1),)), points, 20)
    assert found.tolist() == pytest.approx([5, 1])


def test_steepness_is_a_lower_bound_that_more_places_raise_and_no_slope_exceeds():
    points, networks = random_points(Memorisation(3, 10, 6, 16)), drawn((6, 16, 16, 1), (0, 1, 2))
    few, many = (steepness(networks, points, count) for count in (0, 300))
    assert (many >= few - 1e-6).all()
    assert (many <= torch.stack([torch.linalg.matrix_norm(each, 2) for each in networks.weights]).prod(0)).all()
    for seed in range(3):
        inputs = points.inputs[seed].clone().requires_grad_()
        own = networks.take(slice(seed, seed + 1))
        slopes = [
            torch.autograd.grad(answers(own, inputs[None])[0, place].sum(), inputs)[0][place] for place in range(10)
        ]
        said = answers(own, inputs[None])[0, :, 0].detach()
        rises = [
            ((said[a] - said[b]).abs() / (inputs[a] - inputs[b]).norm()).item() for a in range(10) for b in range(a)
        ]
        assert few[seed].item() == pytest.approx(max(*rises, *(each.norm().item() for each in slopes)), rel=1e-5)


def test_a_step_between_two_flat_places_is_seen_from_the_points_alone():
    """relu(5x + 1) - relu(5x - 1) at -1 and 1: no gradient there, a rise of 2 over a distance of 2."""
    first, last = torch.tensor([[[5.0], [5.0]]]), torch.tensor([[[1.0, -1.0]]])
    step = Mlps((first, last), (torch.tensor([[1.0, -1.0]]), torch.zeros(1, 1)))
    points = Points(torch.tensor([[[-1.0], [1.0]]]), torch.zeros(1, 2), (0,))
    assert steepness(step, points, 0).tolist() == pytest.approx([1])


def test_a_study_has_both_ends_of_p_eff_and_its_law():
    found = measure(TINY)
    assert found["weights"] == 6 * 16 + 16 * 16 + 16 and found["biases"] == 33
    rows = {(row["pruner"], row["sparsity"]): row for row in found["rows"]}
    assert len(rows) == 6
    for (name, _), row in rows.items():
        low, high = row["p_eff"]
        bits = 0 if name == "random" else log2(comb(368, row["kept"]))
        assert low == row["kept"] + 33 and high == pytest.approx(low + bits)
        assert row["law"] == pytest.approx([sqrt(60 / high), sqrt(60 / low)])
    dense, gone = rows["random", 0.0], rows["random", 0.99]
    assert dense["fit"] == 1 and dense["lipschitz"] > 0
    assert gone["fit"] == 0 and gone["lipschitz"] is None
    assert dense["lipschitz"] == rows["magnitude-after", 0.0]["lipschitz"]
    assert json.loads(json.dumps(found, allow_nan=False))["study"] == "robustness"


def test_one_seed_alone_is_that_row_of_the_batch():
    how = replace(TINY, sparsities=(0.5,), pruners=("random",))
    batch = {count: measure(replace(how, seeds=count))["rows"][0]["lipschitz"] for count in (1, 2, 3)}
    assert len(set(batch.values())) == 3
    assert min(batch.values()) > 0


def test_sparser_random_networks_are_steeper_once_they_fit():
    found = measure(replace(SMALL, sparsities=(0.0, 0.8), pruners=("random",)))["rows"]
    assert [row["fit"] for row in found] == [1, 1]
    assert found[1]["lipschitz"] > found[0]["lipschitz"]


def test_bad_values_are_refused():
    with pytest.raises(SettingError, match=r"error of 1 is not between 0 and the labels' variance of 1; give 0\.05"):
        replace(SMALL, fit=1.0)
    with pytest.raises(SettingError, match="1 points; give 2 to 1000"):
        replace(SMALL, points=1)
    with pytest.raises(SettingError, match="0 seeds; give 1 to 1000"):
        replace(SMALL, seeds=0)


def test_the_command_prints_json_and_a_table(capsys, monkeypatch):
    monkeypatch.setattr(robustness, "SMALL", TINY)
    assert main(["limits", "robustness", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 6
    assert main(["limits", "robustness", "--seeds", "2"]) == 0
    assert "Lipschitz" in capsys.readouterr().out
