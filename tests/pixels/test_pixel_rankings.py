"""Attributions by Captum against slow, obvious twins."""

import sys

import pytest
import torch
from torch import nn

from mipp_core.data.dataset import Split
from mipp_core.errors import CancelledError, SettingError
from mipp_core.pixels import rankings as ranked
from mipp_core.pixels.rankings import ATTRIBUTIONS, RANKINGS, attributed, rankings, variance


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 4))
    return nn.Sequential(*layers).eval()


@pytest.fixture(scope="module")
def split():
    generator = torch.Generator().manual_seed(1)
    return Split(torch.rand(23, 1, 6, 6, generator=generator), torch.arange(23) % 4)


def own(model, images, labels):
    return model(images).gather(1, labels[:, None])[:, 0]


@torch.no_grad()
def test_ablation_is_what_a_loop_over_pixels_finds(model, split):
    found = torch.zeros(36)
    for pixel in range(36):
        blank = split.images.clone()
        blank.flatten(1)[:, pixel] = 0
        found[pixel] = (own(model, split.images, split.labels) - own(model, blank, split.labels)).abs().mean()
    torch.testing.assert_close(attributed(model, split, "feature ablation"), found.double(), rtol=1e-5, atol=1e-7)


def test_saliency_is_the_gradient_of_one_image_at_a_time(model, split):
    total = torch.zeros(36)
    for image, label in zip(split.images, split.labels, strict=True):
        shown = image[None].clone().requires_grad_()
        (slope,) = torch.autograd.grad(model(shown)[0, label], shown)
        total += slope.abs().flatten() / len(split)
    torch.testing.assert_close(attributed(model, split, "saliency"), total.double(), rtol=1e-5, atol=1e-7)


def test_integrated_gradients_are_complete(model, split):
    """Each image's sum to what its output gains on the way from the blank image."""
    smooth = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 4)).double().eval()
    images = split.images.double()
    found = ATTRIBUTIONS["integrated gradients"](smooth, images, split.labels).flatten(1).sum(1)
    gained = own(smooth, images, split.labels) - own(smooth, torch.zeros_like(images), split.labels)
    torch.testing.assert_close(found, gained.detach(), rtol=1e-6, atol=1e-9)


def test_variance_is_that_of_each_pixel(split):
    expected = torch.from_numpy(split.images.double().flatten(1).numpy().var(axis=0))
    torch.testing.assert_close(variance(split), expected)


def test_all_rankings_leave_the_network_and_the_images_as_they_were(model, split):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images, state = split.images.clone(), torch.get_rng_state()
    model.train()
    found = rankings(model, split)
    assert tuple(found) == RANKINGS
    assert all(scores.shape == (36,) and scores.isfinite().all() for scores in found.values())
    assert model.training and all(module.training for module in model.modules())
    assert torch.equal(images, split.images) and torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    model.eval()


def test_several_channels_have_a_score_each(split):
    torch.manual_seed(0)
    colour = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(32, 4)).eval()
    images = split.images.expand(-1, 3, -1, -1).clone()
    images[:, 1] = 0  # blank already, so that blanking it changes nothing
    scores = attributed(colour, Split(images, split.labels), "feature ablation").view(3, 36)
    assert scores[1].abs().max() == 0 and scores[0].min() > 0


def test_without_captum_it_says_what_to_install(model, split, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(SettingError, match="pip install captum"):
        ranked.rankings(model, split)


def test_it_can_be_stopped(model, split):
    def stop(progress):
        raise CancelledError(progress.stage)

    with pytest.raises(CancelledError, match="by saliency"):
        rankings(model, split, stop)
