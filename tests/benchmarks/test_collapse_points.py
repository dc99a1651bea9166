import math

import pytest
import torch
from torch import nn

from benchmarks.collapse_points import critical, network, photographs, survivors
from mipp_core.data.dataset import Split
from mipp_core.pruners.magnitude import Magnitude
from mipp_core.pruners.synflow import SynFlow
from mipp_core.pruners.weight_scores import weights_of

NOTHING = Split(torch.zeros(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64))


def slowly(scores):
    """Take the weights away one by one, the lowest first and of equal ones the last, until a layer has none."""
    layers = [name for name, values in scores.items() for _ in values.flatten()]
    flat = torch.cat([values.flatten() for values in scores.values()]).tolist()
    left = sorted(range(len(flat)), key=lambda i: (-flat[i], i))
    while {layers[i] for i in left[:-1]} == set(layers):
        left.pop()
    return math.log10(len(flat) / len(left))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("distinct", [True, False])
def test_the_worst_rank_of_a_layers_best_is_where_a_layer_dies(seed, distinct):
    chance = torch.Generator().manual_seed(seed)
    scores = {name: torch.rand(size, generator=chance) for name, size in [("a", 3), ("b", 40), ("c", 7)]}
    if not distinct:
        scores = {name: (4 * values).round() for name, values in scores.items()}
    assert critical(scores) == pytest.approx(slowly(scores))


@pytest.fixture
def chain():
    """A wide layer of small weights, and a narrow one of large weights."""

    def make():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(4, 100), nn.ReLU(), nn.Linear(100, 2))
        with torch.no_grad():
            model[1].weight.normal_(std=10.0)
            model[3].weight.normal_(std=0.01)
        return model

    return make


def test_synflow_outlives_magnitude(chain):
    def by(pruner, rounds):
        model = chain()
        return survivors(model, lambda: pruner.weight_scores(model, NOTHING, 0), 1.5, rounds)

    assert by(Magnitude(), 1)[1] == 0
    assert min(by(SynFlow(), 50)) > 0
    assert sum(by(SynFlow(), 50)) == int(600 / 10**1.5)


def test_weights_that_went_are_zero(chain):
    model = chain()
    left = survivors(model, lambda: Magnitude().weight_scores(model, NOTHING, 0), 1.0, 3)
    assert [int((weight != 0).sum()) for weight in weights_of(model).values()] == left


def test_images_and_networks_are_seeded():
    one, same, other = (photographs(20, seed).images for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.std() == pytest.approx(1, abs=1e-3)
    neighbours = torch.corrcoef(torch.stack([one[..., :-1].flatten(), one[..., 1:].flatten()]))[0, 1]
    assert neighbours > 0.5
    first, again = (network(3).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(first[name].any() for name in first if name.endswith("bias"))
