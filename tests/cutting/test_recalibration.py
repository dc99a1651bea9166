from copy import deepcopy

import pytest
import torch
import torchvision
from residual import ResNet, lived_in
from torch import Tensor, nn

from mipp_core.cutting.recalibration import recalibrate
from mipp_core.cutting.surgery import shrink
from mipp_core.data.dataset import Split
from mipp_core.network import lockstep


@pytest.fixture
def residual() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return lived_in(ResNet((4, 6), classes=3).double())


@pytest.fixture
def images(noise_split) -> Tensor:
    return noise_split(50, (3, 8, 8)).images.double()


@torch.no_grad()
def in_training_mode(model: nn.Module, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The twin: all images in one batch, and what the normalisations store of it."""
    twin = deepcopy(model).train()
    for norm in twin.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            norm.momentum = 1.0
    return twin(images), dict(twin.named_buffers())


@pytest.mark.parametrize("pruned", [False, True])
@torch.no_grad()
def test_it_is_training_mode_on_one_batch(residual: nn.Module, images: Tensor, random_masks, pruned: bool):
    model = shrink(residual, random_masks(residual, 1)) if pruned else residual
    expected, stored = in_training_mode(model, images)
    assert (model(images) - expected).abs().max() > 1e-2
    assert recalibrate(model, images, batch_size=7) is True
    torch.testing.assert_close(model(images), expected, rtol=0, atol=1e-9)
    for name, tensor in model.named_buffers():
        if name.endswith("running_mean"):
            torch.testing.assert_close(tensor, stored[name], rtol=0, atol=1e-9)


@torch.no_grad()
def test_normalised_rows_of_a_joined_network_too(noise_split):
    images = noise_split(20, (3, 64, 64)).images.double()
    model = lived_in(torchvision.models.DenseNet(4, (2, 2), 8, num_classes=3).double())
    expected, _ = in_training_mode(model, images)
    assert recalibrate(model, images)
    torch.testing.assert_close(model(images), expected, rtol=0, atol=1e-9)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(192, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3)).double()
    small = images[:, :, :8, :8]
    expected, _ = in_training_mode(flat, small)
    assert recalibrate(flat, small)
    torch.testing.assert_close(flat.eval()(small), expected, rtol=0, atol=1e-9)


def test_nothing_but_the_statistics_changes(residual: nn.Module, images: Tensor, state_of):
    residual.train()
    residual.blocks[0].eval()
    before = state_of(residual)
    recalibrate(residual, images)
    after = state_of(residual)
    changed = {name for name, bits in after.pop("tensors").items() if bits != before["tensors"][name]}
    before.pop("tensors")
    assert after == before
    assert {name.rsplit(".", 1)[1] for name in changed} == {"running_mean", "running_var"}
    assert len(changed) == 2 * sum(isinstance(module, nn.BatchNorm2d) for module in residual.modules())


def test_a_network_without_normalisations_is_left_alone(mlp: nn.Module, noise_split, state_of):
    before = state_of(mlp)
    assert recalibrate(mlp, noise_split(20).images) is False
    assert state_of(mlp) == before


def test_samples_and_tensors_give_the_same(residual: nn.Module, images: Tensor):
    other = deepcopy(residual)
    recalibrate(residual, images)
    recalibrate(other, Split(images, torch.zeros(50, dtype=torch.int64)))
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in residual.state_dict().items())


def test_only_as_many_images_as_fit_are_used(residual: nn.Module, images: Tensor, monkeypatch):
    other = deepcopy(residual)
    recalibrate(other, images[:20])
    monkeypatch.setattr(lockstep, "_NUMBERS", 20 * 4 * 64)
    recalibrate(residual, images)
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in residual.state_dict().items())


def test_what_is_called_twice_or_stores_nothing_is_left_alone(images: Tensor):
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.norm = nn.BatchNorm2d(4)
            self.storeless = nn.BatchNorm2d(4, track_running_stats=False)

        def forward(self, images: Tensor) -> Tensor:
            return self.storeless(self.norm(self.norm(self.conv(images))))

    model = Twice().double()
    assert recalibrate(model, images) is False
    assert model.norm.running_mean.count_nonzero() == 0
