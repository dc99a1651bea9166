"""Rebuilding networks that are more than a chain: residual, grouped, joined, gated and without biases."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from graphs import NETWORKS, error
from residual import lived_in
from torch import Tensor, nn

from mipp_core.cutting import least_squares
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.network import lockstep
from mipp_core.network.layers import wiring_of


@torch.no_grad()
def test_units_that_repeat_in_a_residual_network_are_rebuilt_exactly(network, images: Tensor, masks_for):
    dense = network("residual")
    for module in dense.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
                if tensor.ndim:
                    tensor[len(tensor) // 2 :] = tensor[: len(tensor) // 2].clone()
    masks = masks_for(dense, lambda _, units: torch.arange(units) < units // 2)
    slim = shrink(dense, masks)
    before = error(slim, dense, images)
    rebuild(dense, slim, masks, images)
    assert before > 1e-3
    assert error(slim, dense, images) < 1e-6 * before


@pytest.mark.parametrize("name", NETWORKS)
def test_full_masks_change_no_bit(name: str, network, images: Tensor, masks_for):
    dense = network(name)
    slim = shrink(dense, masks_for(dense))
    rebuild(dense, slim, masks_for(dense), images)
    assert all(torch.equal(tensor, dense.state_dict()[name]) for name, tensor in slim.state_dict().items())


def test_everything_behind_a_loss_is_refitted_and_nothing_before(network, images: Tensor, masks_for):
    dense = network("residual")
    masks = masks_for(dense, lambda name, units: torch.arange(units) < (units - (name == "blocks.1.conv2")))
    slim = shrink(dense, masks)
    before = {name: tensor.clone() for name, tensor in slim.state_dict().items()}
    rebuild(dense, slim, masks, images)
    changed = {name for name, tensor in slim.state_dict().items() if not torch.equal(tensor, before[name])}
    own = {name.rsplit(".", 1)[0] for name in changed}
    later = ["conv1", "norm1", "conv2", "norm2"]
    behind = {f"blocks.{block}.{name}" for block in (2, 3) for name in later} | {"head"}
    assert own == behind | {"blocks.2.shortcut.0", "blocks.2.shortcut.1"}
    of_norms = {name for name in changed if "norm" in name or "shortcut.1" in name}
    assert {name.rsplit(".", 1)[1] for name in of_norms} == {"running_mean"}


@pytest.mark.parametrize("name", NETWORKS)
def test_flags_stay_and_the_dense_network_too(name: str, network, images: Tensor, random_masks, state_of):
    dense = network(name)
    masks = random_masks(dense, 2)
    slim = shrink(dense, masks)
    dense.train()
    slim.train()
    before, flags = state_of(dense), state_of(slim)["training"]
    seen = images.clone()
    rebuild(dense, slim, masks, images)
    assert state_of(dense) == before
    assert state_of(slim)["training"] == flags
    assert torch.equal(seen, images)


def test_what_fills_up_a_group_stays_silent(network, images: Tensor, masks_for):
    dense = network("grouped")
    uneven = torch.tensor([1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0]) > 0
    masks = masks_for(dense, lambda name, units: uneven if name == "conv2" else torch.arange(units) % 2 > 0)
    slim = shrink(dense, masks)
    rebuild(dense, slim, masks, images)
    silent = slim.conv2.weight.abs().sum((1, 2, 3)) == 0
    assert silent.tolist() == [False] * 4 + [True, False, True, True]
    assert slim.conv2.bias[silent].count_nonzero() == 0
    assert error(slim, dense, images) < error(masked(dense, masks), dense, images)


@pytest.mark.parametrize("name", ["blocks.0.conv1", "blocks.2.conv2"])
def test_a_collapsed_layer_stays_silent(name: str, network, images: Tensor, masks_for):
    dense = network("residual")
    masks = masks_for(dense, lambda layer, units: torch.arange(units) < (0 if layer == name else units))
    slim = shrink(dense, masks)
    rebuild(dense, slim, masks, images)
    norm = slim.get_submodule(name.replace("conv", "norm"))
    assert slim.get_submodule(name).weight.count_nonzero() == norm.running_mean.count_nonzero() == 0
    assert error(slim, dense, images) < error(masked(dense, masks), dense, images)


def test_with_too_few_images_a_layer_is_left_as_it_was_cut(network, images: Tensor, masks_for):
    dense = network("gated")
    masks = masks_for(dense, lambda _, units: torch.arange(units) < units // 2)
    slim, cut = shrink(dense, masks), shrink(dense, masks)
    rebuild(dense, slim, masks, images[:5])
    same = {
        name for name in wiring_of(dense).weighted if torch.equal(*(m.get_submodule(name).weight for m in (slim, cut)))
    }
    assert same == {"conv1", "squeeze", "head"}


def test_shared_layers_and_odd_padding_are_left_alone(images: Tensor, masks_for):
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
            self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
            self.conv3 = nn.Conv2d(6, 6, 3, padding="same")
            self.conv4 = nn.Conv2d(6, 6, 3, padding=1, padding_mode="circular")
            self.head = nn.Linear(6, 3)

        def forward(self, images: Tensor) -> Tensor:
            read = torch.relu(self.conv2(torch.relu(self.conv2(torch.relu(self.conv1(images))))))
            return self.head(torch.relu(self.conv4(torch.relu(self.conv3(read)))).mean((2, 3)))

    dense = Odd().double().eval()
    masks = masks_for(dense, lambda name, units: torch.arange(units) < (3 if name == "conv1" else units))
    slim, cut = shrink(dense, masks), shrink(dense, masks)
    rebuild(dense, slim, masks, images)
    alone = [torch.equal(*(m.get_submodule(f"conv{number}").weight for m in (slim, cut))) for number in (1, 2, 3, 4)]
    assert alone == [True] * 4
    assert not torch.equal(slim.head.weight, cut.head.weight)


def test_where_a_layer_is_too_much_work_it_is_fitted_on_fewer_positions(
    network, images: Tensor, masks_for, monkeypatch
):
    dense = network("joined")
    masks = masks_for(dense, lambda name, units: torch.arange(units) < units - (name == "conv1"))
    whole, thinned = shrink(dense, masks), shrink(dense, masks)
    rebuild(dense, whole, masks, images)
    monkeypatch.setattr(least_squares, "_MOST_ROWS", 120 * 20)
    rebuild(dense, thinned, masks, images)
    assert not torch.equal(whole.conv3.weight, thinned.conv3.weight)
    assert error(thinned, dense, images) < 3 * error(whole, dense, images)


def test_only_as_many_images_as_fit_are_used(network, images: Tensor, masks_for, monkeypatch):
    dense = network("grouped")
    masks = masks_for(dense, lambda _, units: torch.arange(units) % 2 > 0)
    bounded, few = shrink(dense, masks), shrink(dense, masks)
    rebuild(dense, few, masks, images[:50])
    monkeypatch.setattr(lockstep, "_NUMBERS", 50 * 8 * 64)
    rebuild(dense, bounded, masks, images)
    assert all(torch.equal(tensor, few.state_dict()[name]) for name, tensor in bounded.state_dict().items())


WILD: dict[str, Callable[[], nn.Module]] = {
    "resnet18": torchvision.models.resnet18,
    "mobilenet_v2": lambda: torchvision.models.mobilenet_v2(width_mult=0.5),
    "densenet121": lambda: torchvision.models.DenseNet(8, (6, 12, 24, 16), 16),
    "shufflenet_v2": torchvision.models.shufflenet_v2_x0_5,
}


@pytest.mark.parametrize("name", WILD)
@torch.no_grad()
def test_networks_of_torchvision_come_closer_to_the_dense_ones(name: str, noise_split, random_masks):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        dense = lived_in(WILD[name]())
    images = noise_split(48, (3, 64, 64)).images
    masks = random_masks(dense, 1)
    slim = shrink(dense, masks)
    before = error(slim, dense, images)
    rebuild(dense, slim, masks, images)
    assert error(slim, dense, images) < before
