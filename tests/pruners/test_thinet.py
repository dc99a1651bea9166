"""ThiNet: the units discarded are those whose joint contribution to the next layer is smallest."""

from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy
from itertools import combinations

import pytest
import torch
from torch import Tensor, nn

from mipp_core.cutting.selection import Selection
from mipp_core.data.dataset import Split
from mipp_core.network.finding import Layer
from mipp_core.network.layers import wiring_of
from mipp_core.network.silencing import silenced
from mipp_core.pruners import Task
from mipp_core.pruners.thinet import ThiNet, contributions, discard_greedily


def drawn(seed: int, numbers: int = 20, units: int = 6) -> Tensor:
    return torch.randn(numbers, units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cost(parts: Tensor, discarded: tuple[int, ...]) -> float:
    """What the next layer loses, from the contributions themselves."""
    return parts[:, list(discarded)].sum(1).square().sum().item()


def stepwise(parts: Tensor) -> list[int]:
    """Discard one unit after another, each time trying all that are left."""
    order: list[int] = []
    while len(order) < parts.shape[1]:
        left = [unit for unit in range(parts.shape[1]) if unit not in order]
        order.append(min(left, key=lambda unit: cost(parts, (*order, unit))))
    return order


@pytest.mark.parametrize("seed", range(20))
def test_every_step_discards_the_unit_that_loses_least(seed: int):
    parts = drawn(seed)
    assert discard_greedily(parts.T @ parts) == stepwise(parts)


@pytest.mark.parametrize("seed", range(20))
def test_three_of_six_discarded_one_by_one_lose_no_less_than_the_best_three(seed: int):
    parts = drawn(seed)
    greedy = tuple(discard_greedily(parts.T @ parts)[:3])
    costs = {three: cost(parts, three) for three in combinations(range(6), 3)}
    assert len(costs) == 20
    assert cost(parts, greedy) >= min(costs.values()) - 1e-9
    assert costs[tuple(sorted(greedy))] <= sorted(costs.values())[10]


@pytest.mark.parametrize("seed", range(5))
def test_units_that_do_not_overlap_go_by_their_size_and_that_is_best(seed: int):
    directions, _ = torch.linalg.qr(drawn(seed))
    sizes = torch.tensor([3.0, 1.0, 6.0, 2.0, 5.0, 4.0], dtype=torch.float64)
    parts = directions * sizes
    order = discard_greedily(parts.T @ parts)
    assert order == [1, 3, 0, 5, 4, 2]
    for count in range(1, 7):
        best = min(combinations(range(6), count), key=lambda discarded: cost(parts, discarded))
        assert set(order[:count]) == set(best)


def test_units_that_cancel_each_other_go_together():
    directions, _ = torch.linalg.qr(drawn(3, units=3))
    parts = torch.cat([directions * torch.tensor([1.0, 0.5, 0.9]), -directions[:, :1]], 1)
    assert discard_greedily(parts.T @ parts) == [1, 2, 0, 3]
    parts[:, [0, 3]] /= 4
    assert discard_greedily(parts.T @ parts) == [0, 3, 1, 2]


def test_one_by_one_is_not_always_best():
    parts = torch.diag(torch.tensor([1.0, 10.0, 10.0]))
    parts[1, 2], parts[2, 2] = -10.0, 0.0
    assert discard_greedily(parts.T @ parts)[0] == 0
    assert cost(parts, tuple(discard_greedily(parts.T @ parts)[:2])) == 101.0
    assert cost(parts, (1, 2)) == 0.0


def test_of_equal_units_the_first_goes_first():
    assert discard_greedily(torch.eye(4)) == [0, 1, 2, 3]
    assert discard_greedily(torch.zeros(4, 4)) == [0, 1, 2, 3]


def network() -> nn.Module:
    """Convolutions read with padding and a stride, and linear layers, in float64."""
    torch.manual_seed(8)
    layers = OrderedDict(
        conv1=nn.Conv2d(1, 3, 3),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(3, 4, 3, stride=2, padding=1),
        relu2=nn.ReLU(),
        flatten=nn.Flatten(),
        fc1=nn.Linear(16, 6),
        relu3=nn.ReLU(),
        fc2=nn.Linear(6, 3),
    )
    return nn.Sequential(layers).double().eval()


def read_by(model: nn.Module, layer: Layer, images: Tensor) -> Tensor:
    """What the next layer reads."""
    heard: list[Tensor] = []
    hook = model.get_submodule(layer.reader).register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    model(images)
    hook.remove()
    return heard[0].detach()


@torch.no_grad()
def answers(reader: nn.Module, read: Tensor) -> Tensor:
    """All numbers of the next layer, bias apart, for every image: [images, numbers]."""
    given = reader(read)
    return (given - reader.bias.view(1, -1, *[1] * (given.ndim - 2))).flatten(1)


def one_by_one(model: nn.Module, layer: Layer, images: Tensor) -> Tensor:
    """All numbers of the next layer with one unit of this layer alone: [images, numbers, units]."""
    read = read_by(model, layer, images)
    units = torch.arange(layer.units).repeat_interleave(layer.span)
    units = units.view(1, -1, *[1] * (read.ndim - 2))
    reader = model.get_submodule(layer.reader)
    return torch.stack([answers(reader, read * (units == unit)) for unit in range(layer.units)], 2)


LAYERS = ["conv1", "conv2", "fc1"]


@pytest.mark.parametrize("name", LAYERS)
def test_contributions_are_what_each_unit_alone_adds_to_numbers_all_over_the_next_layer(name: str, doubles):
    model, images = network(), doubles(7).images
    layer = wiring_of(model)[name]
    found = contributions(model, layer, images, 100, torch.Generator().manual_seed(0), batch_size=3)
    alone = one_by_one(model, layer, images)
    assert found.shape == (700, layer.units)
    met = 0
    for image, rows in enumerate(found.split(100)):
        gaps = (rows[:, None] - alone[image]).abs().amax(2)
        assert gaps.amin(1).max() < 1e-12
        met += len(gaps.argmin(1).unique())
    assert met > 0.8 * 7 * alone.shape[1]


@pytest.mark.parametrize("name", LAYERS)
def test_contributions_add_up_to_the_next_layers_numbers_without_their_biases(name: str, doubles):
    model, images = network(), doubles(7).images
    layer = wiring_of(model)[name]
    sums = contributions(model, layer, images, 20, torch.Generator().manual_seed(0)).sum(1)
    whole = answers(model.get_submodule(layer.reader), read_by(model, layer, images))
    for image, found in enumerate(sums.split(20)):
        assert (found[:, None] - whole[image]).abs().amin(1).max() < 1e-12


def test_units_behind_a_dead_layer_contribute_what_their_biases_give(doubles):
    model, images = network(), doubles(7).images
    keep = {layer.name: torch.ones(layer.units) > 0 for layer in wiring_of(model).layers}
    dead = silenced(model, {**keep, "conv1": torch.zeros(3) > 0})
    draw = torch.Generator().manual_seed(0)
    assert not contributions(dead, wiring_of(model)["conv1"], images, 10, draw).any()
    parts = contributions(dead, wiring_of(model)["conv2"], images, 10, draw)
    silent = dead.conv2.bias <= 0
    assert 0 < silent.sum() < 4
    assert not parts[:, silent].any()
    assert (parts[:, ~silent] != 0).all(1).any()


def test_a_dead_layers_units_go_in_order_and_every_ratio_is_reached(doubles):
    model, split = network(), doubles()
    with torch.no_grad():
        model.conv1.weight.zero_()
        model.conv1.bias.zero_()
    assert ThiNet().scores(model, split, 0)["conv1"].tolist() == [0.0, 1.0, 2.0]
    masks = ThiNet().masks(Task(model, split), (0.0, 0.5, 1.0), Selection("layer"))
    assert [list(each.kept.values()) for each in masks] == [[3, 4, 6], [1, 2, 3], [0, 0, 0]]


def test_the_scores_are_how_late_each_unit_is_discarded(doubles):
    model, split = network(), doubles()
    images = split.stratified(12, torch.Generator().manual_seed(5)).images
    found = ThiNet(samples=12, positions=4).scores(model, split, 5)
    for layer in wiring_of(model).layers:
        parts = contributions(model, layer, images, 4, torch.Generator().manual_seed(5))
        assert found[layer.name].argsort().tolist() == stepwise(parts)


def in_turn() -> nn.Module:
    """Of two neurons that read one pixel the first counts least, and so does the neuron that reads it alone."""
    layers = OrderedDict(
        flatten=nn.Flatten(),
        fc1=nn.Linear(1, 2),
        relu1=nn.ReLU(),
        fc2=nn.Linear(2, 2),
        relu2=nn.ReLU(),
        fc3=nn.Linear(2, 1),
    )
    model = nn.Sequential(layers)
    with torch.no_grad():
        model.fc1.weight.copy_(torch.tensor([[1.0], [2.0]]))
        model.fc2.weight.copy_(torch.tensor([[10.0, 0.0], [0.0, 20.0]]))
        model.fc3.weight.copy_(torch.tensor([[100.0, 1.0]]))
        for name in ("fc1", "fc2", "fc3"):
            model.get_submodule(name).bias.zero_()
    return model


def test_a_later_layer_reads_the_already_pruned_earlier_one():
    split = Split(torch.ones(30, 1, 1, 1), torch.arange(30) % 3)
    scores = ThiNet().scores(in_turn(), split, 0)
    assert scores["fc2"].tolist() == [1.0, 0.0]
    (masks,) = ThiNet().masks(Task(in_turn(), split), (0.5,), Selection("layer"))
    assert masks["fc1"].tolist() == [False, True]
    assert masks["fc2"].tolist() == [False, True]


def test_masks_are_made_layer_by_layer(doubles):
    model, split = network(), doubles()
    found = ThiNet(samples=10, positions=3)
    (masks,) = found.masks(Task(model, split, 1), (0.5,), Selection("layer"))
    pruned = deepcopy(model)
    for layer in wiring_of(model).layers:
        keep = torch.ones(layer.units, dtype=torch.bool)
        keep[found.scores(pruned, split, 1)[layer.name].argsort()[: round(0.5 * layer.units)]] = False
        assert torch.equal(masks[layer.name], keep)
        with torch.no_grad():
            pruned.get_submodule(layer.name).weight[~keep] = 0
            pruned.get_submodule(layer.name).bias[~keep] = 0


@pytest.mark.parametrize("name", LAYERS)
def test_permuting_a_layers_units_permutes_their_scores_and_no_others(name: str, doubles):
    model, split = network(), doubles()
    before, layer = ThiNet().scores(model, split, 0), wiring_of(model)[name]
    order = torch.randperm(layer.units, generator=torch.Generator().manual_seed(2))
    assert order.tolist() != sorted(order.tolist())
    columns = torch.arange(layer.units * layer.span).view(layer.units, -1)[order].flatten()
    writer, reader = model.get_submodule(name), model.get_submodule(layer.reader)
    with torch.no_grad():
        writer.weight.copy_(writer.weight[order])
        writer.bias.copy_(writer.bias[order])
        reader.weight.copy_(reader.weight[:, columns])
    after = ThiNet().scores(model, split, 0)
    assert torch.equal(after[name], before[name][order])
    others = [other for other in LAYERS if other != name and wiring_of(model)[other].reader != name]
    assert all(torch.equal(after[other], before[other]) for other in others)


def test_its_progress_counts_the_sparsities(doubles: Callable[..., Split]):
    told: list[float] = []
    task = Task(network(), doubles(), report=lambda progress: told.append(progress.done))
    ThiNet(samples=5).masks(task, (0.2, 0.4, 0.6, 0.8), Selection("layer"))
    assert told == [0.0, 0.25, 0.5, 0.75]
