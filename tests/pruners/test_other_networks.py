"""Every pruner that ranks, on networks with batch normalisation, streams, groups, depthwise layers and gates."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.cutting.selection import Selection
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.data.dataset import Split
from mipp_core.models import MODELS
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import PRUNERS, Ranker, Task, pruner
from mipp_core.pruners.network_slimming import scales
from mipp_core.vocabulary import Report

QUICK = {
    "synflow": {"rounds": 3},
    "snip": {"samples": 8},
    "iter-snip": {"samples": 8, "rounds": 2},
    "grasp": {"per_class": 3},
    "iter-grasp": {"per_class": 3, "rounds": 2},
    "thinet": {"samples": 6, "positions": 4},
    "sosp-h": {"samples": 8},
    "taylor": {"samples": 8, "batch_size": 4},
    "hrank": {"samples": 4},
    "chip": {"samples": 4},
    "prospr": {"batch_size": 4},
    "conductance": {"samples": 6, "steps": 2},
    "cmi": {"alpha": 2.0, "width": "shared", "samples": 12},
}
RANKERS = [name for name, kind in PRUNERS.items() if issubclass(kind, Ranker)]


def normed(conv: nn.Conv2d) -> list[nn.Module]:
    return [conv, nn.BatchNorm2d(conv.out_channels)]


class Block(nn.Module):
    """A residual block: its body beside a projection where the shape changes."""

    def __init__(self, body: nn.Module, reads: int, gives: int, stride: int = 1) -> None:
        super().__init__()
        self.body = body
        changes = reads != gives or stride > 1
        self.shortcut = nn.Sequential(*normed(nn.Conv2d(reads, gives, 1, stride, bias=False))) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + (x if self.shortcut is None else self.shortcut(x)))


class Excitation(nn.Module):
    """MobileNetV3's gate on channels."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.squeeze, self.open, self.gate = nn.Conv2d(units, 2, 1), nn.Conv2d(2, units, 1), nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.open(torch.relu(self.squeeze(functional.adaptive_avg_pool2d(x, 1)))))


def basic(reads: int, gives: int, stride: int = 1) -> nn.Module:
    first, second = nn.Conv2d(reads, gives, 3, stride, 1, bias=False), nn.Conv2d(gives, gives, 3, 1, 1, bias=False)
    return Block(nn.Sequential(*normed(first), nn.ReLU(True), *normed(second)), reads, gives, stride)


def bottleneck(reads: int, gives: int, stride: int = 1, groups: int = 1) -> nn.Module:
    inside = 4
    middle = nn.Conv2d(inside, inside, 3, stride, 1, groups=groups, bias=False)
    first, last = nn.Conv2d(reads, inside, 1, bias=False), nn.Conv2d(inside, gives, 1, bias=False)
    body = nn.Sequential(*normed(first), nn.ReLU(True), *normed(middle), nn.ReLU(True), *normed(last))
    return Block(body, reads, gives, stride)


def grouped(reads: int, gives: int, stride: int = 1) -> nn.Module:
    return bottleneck(reads, gives, stride, groups=2)


def inverted(reads: int, gives: int, stride: int = 1) -> nn.Module:
    wide = 2 * reads
    expand, project = nn.Conv2d(reads, wide, 1, bias=False), nn.Conv2d(wide, gives, 1, bias=False)
    depthwise = nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False)
    gate = [nn.Hardswish(True), Excitation(wide)]
    body = nn.Sequential(*normed(expand), nn.Hardswish(True), *normed(depthwise), *gate, *normed(project))
    return Block(body, reads, gives, stride)


def residual(block: Callable[..., nn.Module]) -> nn.Module:
    stem = [*normed(nn.Conv2d(3, 6, 3, padding=1, bias=False)), nn.ReLU(True)]
    blocks = [block(6, 6), block(6, 8, 2), block(8, 8)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))


NETWORKS: dict[str, tuple[int, Callable[[], nn.Module]]] = {
    "vgg": (32, lambda: MODELS["vgg16"].build((4,) * 13, (3, 32, 32), 3)),
    "basic blocks": (12, lambda: residual(basic)),
    "bottlenecks": (12, lambda: residual(bottleneck)),
    "grouped bottlenecks": (12, lambda: residual(grouped)),
    "gated inverted blocks": (12, lambda: residual(inverted)),
}


@pytest.fixture(params=NETWORKS)
def subject(request: pytest.FixtureRequest, noise_split: Callable[..., Split]) -> tuple[nn.Module, Split]:
    """A small network whose normalisations have seen other data, and data for it; in float64."""
    size, build = NETWORKS[request.param]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build().double().eval()
        with torch.no_grad():
            for norm in (module for module in model.modules() if isinstance(module, nn.BatchNorm2d)):
                norm.running_mean.normal_(0, 0.1)
                norm.running_var.uniform_(0.5, 1.5)
                norm.weight.uniform_(0.5, 1.5)
                norm.bias.normal_(0, 0.2)
    split = noise_split(24, (3, size, size))
    return model, Split(split.images.double(), split.labels)


def able(name: str, model: nn.Module) -> bool:
    """Tell whether a pruner can score the network; who refuses which is tested elsewhere."""
    wiring = wiring_of(model)
    return "normalisation" not in PRUNERS[name].needs or set(scales(model, wiring)) >= set(wiring.names)


def nudge(model: nn.Module, report: Report) -> None:
    """A training that changes every weight a little."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.01)


@pytest.mark.parametrize("name", RANKERS)
def test_its_scores_are_complete_and_its_masks_cut_exactly(name: str, subject: tuple[nn.Module, Split], state_of):
    model, split = subject
    if not able(name, model):
        return
    found, before = pruner(name, **QUICK.get(name, {})), state_of(model)
    scores = found.scores(model, split, 0)
    assert {layer: len(s) for layer, s in scores.items()} == {
        layer.name: layer.units for layer in wiring_of(model).layers
    }
    assert all(values.isfinite().all() and not values.requires_grad for values in scores.values())
    (masks,) = found.masks(Task(model, split, 0, nudge), (0.5,), Selection(found.scopes[0], floor=1))
    assert state_of(model) == before
    images = split.images[:2]
    with torch.no_grad():
        expected = masked(model, masks)(images)
        torch.testing.assert_close(shrink(model, masks)(images), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", [name for name in RANKERS if name not in ("random", "thinet", "conductance")])
def test_permuting_units_permutes_their_scores(name: str, subject: tuple[nn.Module, Split], permute):
    model, split = subject
    if not able(name, model):
        return
    found, other = pruner(name, **QUICK.get(name, {})), deepcopy(model)
    before, orders = found.scores(model, split, 0), {}
    for layer in wiring_of(model).layers:
        order = torch.arange(layer.units).flip(0)
        if permute(other, layer.name, order):
            orders[layer.name] = order
    assert len(orders) >= 2 or any(getattr(module, "groups", 1) > 1 for module in model.modules())
    torch.testing.assert_close(other(split.images[:2]), model(split.images[:2]))
    for layer, values in found.scores(other, split, 0).items():
        expected = before[layer][orders[layer]] if layer in orders else before[layer]
        torch.testing.assert_close(values, expected, rtol=1e-6, atol=1e-9 * float(expected.abs().max()))
