"""Rebuilding networks that are more than a chain: residual, grouped, joined, gated and without biases."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from residual import ResNet, lived_in
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.cutting import least_squares
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.network import lockstep
from mipp_core.network.layers import wiring_of

WIDTHS = (4, 6)


class Grouped(nn.Module):
    """A grouped convolution between two others."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 12, 3, 2, padding=1, dilation=2, groups=2)
        self.conv3 = nn.Conv2d(12, 5, 1, bias=False)
        self.head = nn.Linear(5, 3)

    def forward(self, images: Tensor) -> Tensor:
        read = torch.relu(self.conv2(torch.relu(self.conv1(images))))
        return self.head(torch.relu(self.conv3(read)).mean((2, 3)))


class Joined(nn.Module):
    """Two convolutions side by side under one normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(12)
        self.conv3 = nn.Conv2d(12, 4, 3, bias=False)
        self.norm3 = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        first = self.conv1(images)
        read = torch.relu(self.norm(torch.cat([first, self.conv2(first)], 1)))
        return self.head(torch.relu(self.norm3(self.conv3(read))).mean((2, 3)))


class Gated(nn.Module):
    """A convolution whose channels are weighed by squeeze-and-excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.squeeze = nn.Conv2d(8, 4, 1)
        self.excite = nn.Conv2d(4, 8, 1)
        self.conv2 = nn.Conv2d(8, 6, 3)
        self.head = nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        read = torch.relu(self.conv1(images))
        weights = torch.sigmoid(self.excite(torch.relu(self.squeeze(functional.adaptive_avg_pool2d(read, 1)))))
        return self.head(torch.relu(self.conv2(read * weights)).mean((2, 3)))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "residual": lambda: ResNet(WIDTHS, classes=3),
    "grouped": Grouped,
    "joined": Joined,
    "gated": Gated,
}


@pytest.fixture
def network() -> Callable[[str], nn.Module]:
    def make(name: str) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            return lived_in(NETWORKS[name]().double())

    return make


@pytest.fixture
def images(noise_split) -> Tensor:
    return noise_split(120, (3, 8, 8)).images.double()


def error(slim: nn.Module, dense: nn.Module, images: Tensor) -> float:
    with torch.no_grad():
        return (slim(images) - dense(images)).square().mean().item()


def heard(model: nn.Module, name: str, images: Tensor) -> tuple[Tensor, Tensor]:
    found: list[tuple[Tensor, Tensor]] = []
    hook = model.get_submodule(name).register_forward_hook(lambda _, i, o: found.append((i[0], o)))
    model(images)
    hook.remove()
    return found[0]


def norm_of(model: nn.Module, name: str) -> nn.Module | None:
    """The normalisation that alone reads a layer, by its name."""
    modules = dict(model.named_modules())
    follower = name.replace("shortcut.0", "shortcut.1") if "shortcut" in name else name.replace("conv", "norm")
    return (
        modules.get(follower if follower != name else "")
        if not isinstance(model, Joined)
        else modules.get({"conv3": "norm3"}.get(name, "-"))
    )


@torch.no_grad()
def slowly(dense: nn.Module, slim: nn.Module, masks: KeepMasks, images: Tensor, rows: dict[str, Tensor]) -> None:
    """The twin: all patches of all images gathered one by one, and an ordinary solver, group by group."""
    for name in wiring_of(dense).weighted[1:]:
        layer, read, wanted = slim.get_submodule(name), heard(slim, name, images)[0], heard(dense, name, images)[1]
        wanted = wanted[:, masks.get(name, rows.get(name, torch.ones(wanted.shape[1]) > 0))]
        groups = getattr(layer, "groups", 1)
        norm = norm_of(dense, name) and norm_of(slim, name)
        for group, (part, aim) in enumerate(zip(read.chunk(groups, 1), wanted.chunk(groups, 1), strict=True)):
            table = torch.stack([patch for image in part for patch in patches(layer, image)])
            if layer.bias is not None or norm is not None:
                table = torch.cat([table, torch.ones(len(table), 1, dtype=table.dtype)], 1)
            targets = aim.flatten(2).movedim(1, 2).flatten(0, 1) if aim.ndim == 4 else aim
            solution = torch.linalg.lstsq(table, targets, driver="gelsd").solution
            size = layer.weight[0].numel()
            own = slice(group * aim.shape[1], (group + 1) * aim.shape[1])
            layer.weight[own] = solution[:size].T.reshape_as(layer.weight[own])
            if layer.bias is not None:
                layer.bias[own] = solution[-1]
            elif norm is not None:
                norm.running_mean -= solution[-1]


def patches(layer: nn.Module, image: Tensor) -> list[Tensor]:
    if isinstance(layer, nn.Linear):
        return [image]
    (high, wide), reach = layer.kernel_size, layer.dilation[0]
    padded = functional.pad(image, (layer.padding[0],) * 4)
    return [
        padded[:, y : y + reach * (high - 1) + 1 : reach, x : x + reach * (wide - 1) + 1 : reach].flatten()
        for y in range(0, padded.shape[1] - reach * (high - 1), layer.stride[0])
        for x in range(0, padded.shape[2] - reach * (wide - 1), layer.stride[1])
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_it_agrees_with_a_slow_twin(name: str, network, images: Tensor, masks_for, monkeypatch):
    monkeypatch.setattr(least_squares, "_RIDGE", 1e-12)
    monkeypatch.setattr(least_squares, "_SHARED_RIDGE", 0.0)
    dense = network(name)
    masks = masks_for(dense, lambda _, units: torch.arange(units) % 3 > 0)
    quick, slow = shrink(dense, masks), shrink(dense, masks)
    rebuild(dense, quick, masks, images)
    slowly(dense, slow, masks, images, {"excite": masks["conv1"]} if name == "gated" else {})
    torch.testing.assert_close(quick(images), slow(images), rtol=0, atol=1e-5)
    assert error(quick, dense, images) < error(shrink(dense, masks), dense, images)


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
