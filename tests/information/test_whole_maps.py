"""What next layers read: products against plain unfolding, and targets that are exactly linear in them."""

import pytest
import torch
from torch import Tensor, nn

from mipp_core.errors import ModelError
from mipp_core.information.elimination import eliminated
from mipp_core.information.next_layers import NextLayers
from mipp_core.information.regressions import RIDGE
from mipp_core.network.layers import wiring_of


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Block(nn.Module):
    """A residual block whose sum goes through a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inner = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 3, 3, padding=1)
        self.last, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3)
        self.classes = nn.Linear(5, 2)

    def forward(self, images: Tensor) -> Tensor:
        stream = self.stem(images)
        stream = (stream + self.last(self.inner(stream).relu())).relu()
        return self.classes(self.head(stream).relu().mean((2, 3)))


class Pyramid(nn.Module):
    """Two layers whose maps are joined before they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.both = nn.Conv2d(2, 3, 3), nn.Conv2d(2, 4, 3), nn.Conv2d(7, 5, 1)
        self.classes = nn.Linear(5, 2)

    def forward(self, images: Tensor) -> Tensor:
        joined = torch.cat([self.one(images).relu(), self.two(images).relu()], 1)
        return self.classes(self.both(joined).relu().mean((2, 3)))


NETWORKS = {
    "convolution": nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3, stride=2, padding=1), nn.ReLU())
    .append(nn.Flatten())
    .append(nn.Linear(5 * 3 * 3, 3)),
    "grouped": nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3, groups=2), nn.ReLU(), nn.Flatten()
    ).append(nn.Linear(6 * 4 * 4, 3)),
    "dilated": nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3, dilation=2, padding="same"), nn.ReLU())
    .append(nn.Flatten())
    .append(nn.Linear(6 * 36, 3)),
    "transposed": nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.ConvTranspose2d(4, 3, 2, stride=2), nn.ReLU())
    .append(nn.Flatten())
    .append(nn.Linear(3 * 144, 3)),
    "reflected": nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1, padding_mode="reflect"), nn.ReLU(), nn.Flatten()
    ).append(nn.Linear(3 * 36, 3)),
    "pooled": nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 7), nn.ReLU()
    ).append(nn.Linear(7, 3)),
    "stream": Block(),
    "joined": Pyramid(),
}


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    model = NETWORKS[request.param].double().eval()
    for module in model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return model, normal(64, 2, 8, 8)


def results(model: nn.Module, name: str, images: Tensor) -> Tensor:
    """Return what a layer computes, one row per image and position."""
    found = []
    handle = model.get_submodule(name).register_forward_hook(lambda _, __, result: found.append(result))
    with torch.no_grad():
        model(images)
    handle.remove()
    return found[0].movedim(1, -1).flatten(0, -2)


def test_targets_vary_as_the_layers_results_do(case: tuple[nn.Module, Tensor]):
    model, images = case
    wiring = wiring_of(model, images[:2])
    following = NextLayers(wiring, images, RIDGE, 0)
    for layer in reversed(wiring.layers):
        problems, owners = following.of(layer.name, layer.reader)
        rows = results(model, layer.reader, images)
        assert len(owners.unique()) == rows.shape[1]
        for problem in problems:
            weights, read = problem.weights, len(problem.weights)
            varies = (weights * (problem.covariance[:read, :read] @ weights)).sum(0)
            if not isinstance(model.get_submodule(layer.reader), nn.ConvTranspose2d):
                expected = rows.var(0, correction=0)[problem.targets]
                torch.testing.assert_close(varies, expected, rtol=1e-9, atol=1e-12)


def test_a_transposed_convolution_has_a_target_per_weight_of_its_kernel():
    model, images = NETWORKS["transposed"].double(), normal(64, 2, 8, 8)
    wiring = wiring_of(model, images[:2])
    problems, owners = NextLayers(wiring, images, RIDGE, 0).of("0", "2")
    assert owners.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    with torch.no_grad():
        maps = model[2](model[1](model[0](images)))
    weights = problems[0].weights
    varies = (weights * (problems[0].covariance @ weights)).sum(0)
    for unit in range(3):
        for place in range(4):
            row, column = divmod(place, 2)
            expected = maps[:, unit, row::2, column::2].var(correction=0)
            torch.testing.assert_close(varies[4 * unit + place], expected, rtol=1e-9, atol=1e-12)


def test_a_removal_costs_what_refitting_on_the_cut_networks_maps_leaves():
    """Every unit of every layer, each in the true network without it: the stream holds what is left."""
    torch.manual_seed(1)
    model, images = Block().double().eval(), normal(200, 2, 8, 8)
    wiring = wiring_of(model, images[:2])
    following = NextLayers(wiring, images, RIDGE, 0)
    for layer in reversed(wiring.layers):
        problems, _ = following.of(layer.name, layer.reader)
        reader = model.get_submodule(layer.reader)
        aims = results(model, layer.reader, images)
        path = eliminated(problems, layer.units, torch.ones(aims.shape[1]), lambda *_: True)
        for unit, lost in zip(path.units, path.after, strict=True):
            kept = model.get_submodule(layer.name).weight.clone(), model.get_submodule(layer.name).bias.clone()
            with torch.no_grad():
                model.get_submodule(layer.name).weight[unit] = 0
                model.get_submodule(layer.name).bias[unit] = 0
            read = []
            handle = reader.register_forward_pre_hook(lambda _, given, read=read: read.append(given[0]))
            with torch.no_grad():
                model(images)
                model.get_submodule(layer.name).weight.copy_(kept[0])
                model.get_submodule(layer.name).bias.copy_(kept[1])
            handle.remove()
            table = read[0]
            if isinstance(reader, nn.Conv2d):
                table = nn.functional.unfold(table, reader.kernel_size, padding=reader.padding).mT.flatten(0, 1)
            table = torch.cat([table, torch.ones(len(table), 1, dtype=torch.float64)], 1)
            solution = torch.linalg.lstsq(table, aims, driver="gelsd").solution
            expected = (aims - table @ solution).square().mean(0)
            torch.testing.assert_close(lost, expected, rtol=1e-3, atol=1e-5 * float(aims.var()))


def test_pixels_are_read_by_all_of_the_first_layers_maps():
    torch.manual_seed(0)
    model, images = NETWORKS["convolution"].double(), normal(300, 2, 8, 8)
    wiring = wiring_of(model, images[:2])
    problems, owners = NextLayers(wiring, images, RIDGE, 0).of("input", "0")
    with torch.no_grad():
        expected = model[0](images).flatten(1)
    weights = problems[0].weights
    assert weights.shape == (128, 4 * 36)
    assert owners.tolist() == [unit for unit in range(4) for _ in range(36)]
    varies = (weights * (problems[0].covariance @ weights)).sum(0)
    torch.testing.assert_close(varies, expected.var(0, correction=0), rtol=1e-9, atol=1e-12)


def test_pixels_behind_something_that_is_not_linear_are_refused():
    class Squared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(128, 6), nn.Linear(6, 3)

        def forward(self, images: Tensor) -> Tensor:
            return self.two(self.one(images.square().flatten(1)).relu())

    model, images = Squared().double(), normal(50, 2, 8, 8)
    following = NextLayers(wiring_of(model, images[:2]), images, RIDGE, 0)
    with pytest.raises(ModelError, match="not linear in the pixels"):
        following.of("input", "one")
