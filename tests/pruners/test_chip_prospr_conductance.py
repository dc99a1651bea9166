"""CHIP, ProsPR and conductance, each against a slow, obvious twin."""

from collections import OrderedDict
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.network.layers import weighted
from mipp_core.pruners.chip import Chip, independence
from mipp_core.pruners.conductance import Conductance
from mipp_core.pruners.prospr import ProsPR


def test_independence_is_what_the_nuclear_norm_loses():
    maps = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros(4, dtype=torch.float64)
    for image in maps:
        whole = torch.linalg.svdvals(image).sum()
        for unit in range(4):
            rest = image[[other for other in range(4) if other != unit]]
            expected[unit] += (whole - torch.linalg.svdvals(rest).sum()) / 3
    torch.testing.assert_close(independence(maps), expected)


def test_a_map_that_repeats_another_is_less_independent_than_a_new_one():
    maps = torch.eye(3, 6, dtype=torch.float64)
    maps[1] = maps[0]
    scores = independence(maps[None])
    assert scores[0] == pytest.approx(scores[1])
    assert scores[2] == pytest.approx(1.0)
    assert scores[0] == pytest.approx(2**0.5 - 1)


def test_chip_of_neurons_is_what_the_length_of_the_activations_loses(mlp: nn.Module, noise_split):
    split = noise_split(12)
    hidden = torch.relu(mlp.fc1(split.images.flatten(1)))
    lost = (
        hidden.norm(dim=1, keepdim=True) - (hidden.square().sum(1, keepdim=True) - hidden.square()).clamp(min=0).sqrt()
    )
    scores = Chip(samples=12).scores(mlp, split, 0)["fc1"]
    torch.testing.assert_close(scores, lost.mean(0).detach(), rtol=1e-3, atol=1e-4)


def normalised() -> nn.Module:
    """A small network with batch normalisation, whose layers have biases too."""
    torch.manual_seed(3)
    parts = {
        "fc1": nn.Linear(16, 8),
        "norm": nn.BatchNorm1d(8),
        "relu1": nn.ReLU(),
        "fc2": nn.Linear(8, 6),
        "relu2": nn.ReLU(),
        "fc3": nn.Linear(6, 3),
    }
    return nn.Sequential(OrderedDict(flatten=nn.Flatten(), **parts)).eval()


@pytest.mark.parametrize("with_norm", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_prospr_differentiates_the_loss_after_training_by_a_mask_on_the_initial_weights(
    mlp: nn.Module, noise_split, steps: int, with_norm: bool
):
    split = noise_split(60)
    with torch.random.fork_rng():
        model = (normalised() if with_norm else mlp).double()
    split = Split(split.images.double(), split.labels)
    how = ProsPR(steps=steps, batch_size=10, learning_rate=0.05)
    drawn = split.stratified(10 * (steps + 1), torch.Generator().manual_seed(1))
    batches = list(zip(drawn.images.split(10), drawn.labels.split(10), strict=True))

    def loss_at_the_end(layer: str, unit: int, mask: float) -> float:
        """Train a copy that starts with one unit's weights scaled, bias apart; return its last batch's loss."""
        copy = deepcopy(model).train()
        with torch.no_grad():
            weighted(copy, layer).weight[unit] *= mask
        for images, labels in batches[:-1]:
            slopes = torch.autograd.grad(functional.cross_entropy(copy(images), labels), list(copy.parameters()))
            with torch.no_grad():
                for parameter, slope in zip(copy.parameters(), slopes, strict=True):
                    parameter.sub_(0.05 * slope)
        images, labels = batches[-1]
        return functional.cross_entropy(copy(images), labels).item()

    scores = how.scores(model, split, 1)
    for layer, unit in [("fc1", 0), ("fc1", 5), ("fc2", 3)]:
        slope = (loss_at_the_end(layer, unit, 1 + 1e-5) - loss_at_the_end(layer, unit, 1 - 1e-5)) / 2e-5
        assert scores[layer][unit].item() == pytest.approx(abs(slope), rel=1e-3, abs=1e-9)


def test_prospr_needs_two_images_per_batch(mlp: nn.Module, noise_split):
    with pytest.raises(SettingError, match="with 3 steps needs at least 8 images, not 7"):
        ProsPR().scores(mlp, noise_split(7), 0)


def test_conductances_of_a_layer_add_up_to_the_change_of_the_answer(mlp: nn.Module, noise_split):
    one = noise_split(1)
    same = Split(one.images.double(), one.labels)
    model = mlp.double()
    with torch.no_grad():
        for name in ("fc2", "fc3"):  # all weights positive: no unit's share is negative, so magnitudes add up too
            weighted(model, name).weight.abs_()
    scores = Conductance(samples=1, steps=400).scores(model, same, 0)["fc2"]
    black = torch.full_like(same.images, float(same.images.min()))
    change = model(same.images)[0, same.labels[0]] - model(black)[0, same.labels[0]]
    shares = scores.sum().item()
    assert shares >= abs(change.item()) - 1e-3
    signed = (
        torch.relu(model.fc2(torch.relu(model.fc1(same.images.flatten(1)))))
        - torch.relu(model.fc2(torch.relu(model.fc1(black.flatten(1)))))
    )[0]
    expected = (signed * model.fc3.weight[same.labels[0]]).abs().detach()
    torch.testing.assert_close(scores, expected, rtol=2e-2, atol=2e-3)
