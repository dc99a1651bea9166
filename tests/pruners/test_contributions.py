"""ThiNet's contributions where the next layer does not simply read a layer: against turning units down a little."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.cutting.selection import Selection
from mipp_core.errors import ModelError
from mipp_core.network.gates import gated
from mipp_core.network.layers import wiring_of
from mipp_core.pruners import Task
from mipp_core.pruners.sampled_terms import Sampling, sampled_terms
from mipp_core.pruners.thinet import ThiNet, contributions

STEP = 1e-6

Join = Callable[["Net", Tensor], Tensor]


class Net(nn.Module):
    """A few layers on images of 6x6, joined by a function given."""

    def __init__(self, join: Join, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self.first, self.last = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4, 3)
        self.join = join

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.join(self, torch.relu(self.first(images))).mean((2, 3)))


def conv(reads: int, gives: int, **settings: object) -> nn.Module:
    return nn.Conv2d(reads, gives, 3, **{"padding": 1, "bias": False, **settings})


def norm() -> nn.Module:
    found = nn.BatchNorm2d(4)
    with torch.no_grad():
        for tensor in (found.weight, found.running_var):
            tensor.uniform_(0.5, 1.5)
        for tensor in (found.bias, found.running_mean):
            tensor.normal_(0, 0.3)
    return found


def shuffled(x: Tensor) -> Tensor:
    return x.view(-1, 2, 2, 6, 6).transpose(1, 2).reshape(-1, 4, 6, 6)


def by_position(net: Net, x: Tensor) -> Tensor:
    """ConvNeXt's way: a linear layer over channels that lie last, after a normalisation over them."""
    stream = (x + net.a(x)).permute(0, 2, 3, 1)
    return net.b(functional.layer_norm(stream, (4,))).permute(0, 3, 1, 2)


def projected(net: Net, x: Tensor) -> Tensor:
    stream = torch.relu(net.norm_a(net.a(x)) + net.norm_s(net.shortcut(x)))
    return net.b(stream)


def twice(net: Net, x: Tensor) -> Tensor:
    own = net.a(x)
    return net.b(torch.cat([own, x + own], 1))


SHORTCUT = {"norm_a": norm, "shortcut": lambda: nn.Conv2d(4, 4, 1, bias=False), "norm_s": norm}

NETS: dict[str, tuple[Join, dict[str, Callable[[], nn.Module]], str]] = {
    "grouped": (lambda net, x: net.b(torch.relu(net.a(x))), {"b": lambda: conv(4, 4, groups=2)}, "b"),
    "behind others": (lambda net, x: net.b(torch.cat([x, net.a(x)], 1)), {"b": lambda: conv(8, 4)}, "b"),
    "read twice": (lambda net, x: net.b(torch.cat([net.a(x), x, net.a(x)], 1)), {"b": lambda: conv(12, 4)}, "b"),
    "depthwise between": (
        lambda net, x: net.b(net.norm(net.depthwise(net.a(x)))),
        {"b": lambda: conv(4, 4, stride=2), "depthwise": lambda: conv(4, 4, groups=4), "norm": norm},
        "b",
    ),
    "added": (lambda net, x: net.b(x + net.a(x)), {"b": lambda: conv(4, 4)}, "b"),
    "added, then ReLU": (projected, {**SHORTCUT, "b": lambda: conv(4, 4)}, "b"),
    "added, then grouped": (lambda net, x: net.b(torch.relu(x + net.a(x))), {"b": lambda: conv(4, 4, groups=2)}, "b"),
    "pre-activation": (
        lambda net, x: net.b(torch.relu(net.norm(x + net.a(x)))),
        {"b": lambda: conv(4, 4), "norm": norm},
        "b",
    ),
    "heard directly and added": (
        twice,
        {"b": lambda: conv(8, 4)},
        "b",
    ),
    "normalised over channels": (by_position, {"b": lambda: nn.Linear(4, 4)}, "b"),
    "shuffled": (lambda net, x: net.b(shuffled(net.a(x))), {"b": lambda: conv(4, 4)}, "b"),
    "only a sum before the end": (lambda net, x: torch.relu(x + net.a(x)), {}, "last"),
}


@pytest.fixture(params=NETS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, str]:
    """A network whose layer ``a`` is read in some way, and the name of the layer that reads it."""
    join, modules, reader = NETS[request.param]
    torch.manual_seed(3)
    model = Net(join, **{"a": conv(4, 4), **{name: make() for name, make in modules.items()}})
    return model.double().eval(), reader


@torch.no_grad()
def numbers_of(model: nn.Module, reader: str, images: Tensor, switch: Tensor) -> Tensor:
    """All numbers of a layer while another's units are switched: [images, numbers]."""
    heard: list[Tensor] = []
    hook = model.get_submodule(reader).register_forward_hook(lambda _, __, result: heard.append(result))
    gated(model, {"a": switch})(images)
    hook.remove()
    return heard[0].flatten(1)


def enumerated(model: nn.Module, reader: str, images: Tensor) -> Tensor:
    """What every number loses for each unit that is turned down a little: [images, numbers, units]."""
    units = wiring_of(model)["a"].units
    ones = torch.ones(units, dtype=torch.float64)
    turned = [STEP * (torch.arange(units) == unit) for unit in range(units)]
    more, less = ([numbers_of(model, reader, images, ones + sign * each) for each in turned] for sign in (1, -1))
    return torch.stack([(up - down) / (2 * STEP) for up, down in zip(more, less, strict=True)], 2)


def test_a_contribution_is_what_a_number_loses_with_the_unit(case, doubles, state_of):
    model, reader = case
    images, before = doubles(5).images, state_of(model)
    layer = wiring_of(model)["a"]
    found = contributions(model, layer, images, 60, torch.Generator().manual_seed(0), batch_size=3)
    assert layer.reader == reader
    assert found.shape == (300, layer.units)
    every, met = enumerated(model, reader, images), 0
    assert found.any(0).tolist() == every.flatten(0, 1).any(0).tolist()
    assert found.any(0).sum() >= 3
    for image, rows in enumerate(found.split(60)):
        gaps = (rows[:, None] - every[image]).abs().amax(2)
        assert gaps.amin(1).max() < 1e-7
        met += len(gaps.argmin(1).unique())
    assert met > min(60, every.shape[1]) * 5 * 0.5
    assert state_of(model) == before


def test_where_only_a_sum_lies_between_it_is_what_the_number_loses_when_the_unit_goes(doubles):
    join, _, _ = NETS["added"]
    torch.manual_seed(3)
    model, images = Net(join, a=conv(4, 4), b=conv(4, 4)).double().eval(), doubles(2).images
    found = contributions(model, wiring_of(model)["a"], images, 50, torch.Generator().manual_seed(0))
    ones = torch.ones(4, dtype=torch.float64)
    whole = numbers_of(model, "b", images, ones)
    gone = torch.stack([whole - numbers_of(model, "b", images, ones * (torch.arange(4) != u)) for u in range(4)], 2)
    for image, rows in enumerate(found.split(50)):
        assert (rows[:, None] - gone[image]).abs().amax(2).amin(1).max() < 1e-12


def test_a_gate_on_the_units_is_frozen_and_the_contributions_add_up_to_the_number(doubles):
    def join(net: Net, x: Tensor) -> Tensor:
        a = torch.relu(net.a(x))
        gate = torch.sigmoid(net.open(torch.relu(net.squeeze(functional.adaptive_avg_pool2d(a, 1)))))
        return net.b(a * gate)

    torch.manual_seed(5)
    gating = {"squeeze": nn.Conv2d(4, 2, 1), "open": nn.Conv2d(2, 4, 1)}
    model, images = Net(join, a=conv(4, 4), b=conv(4, 4), **gating).double().eval(), doubles(3).images
    wiring, draw = wiring_of(model), torch.Generator().manual_seed(0)
    assert wiring["a"].reader == "b"
    sums = contributions(model, wiring["a"], images, 40, draw).sum(1)
    whole = numbers_of(model, "b", images, torch.ones(4, dtype=torch.float64))
    for image, found in enumerate(sums.split(40)):
        assert (found[:, None] - whole[image]).abs().amin(1).max() < 1e-12
    squeezed = contributions(model, wiring["squeeze"], images, 40, draw)
    logits = numbers_of(model, "open", images, torch.ones(4, dtype=torch.float64)) - model.open.bias
    for image, found in enumerate(squeezed.sum(1).split(40)):
        assert (found[:, None] - logits[image]).abs().amin(1).max() < 1e-12


def handed_on(net: Net, x: Tensor) -> Tensor:
    """ShuffleNet's way: the next layer reads two of the units, the one after it the other two."""
    early, late = shuffled(net.a(x)).chunk(2, 1)
    return torch.cat([net.c(torch.cat([late, net.b(early)], 1)), early], 1)


def test_units_that_are_handed_on_are_judged_where_they_are_heard(doubles):
    torch.manual_seed(6)
    model = Net(handed_on, a=conv(4, 4), b=conv(2, 2), c=conv(4, 2)).double().eval()
    layer = wiring_of(model)["a"]
    found = contributions(model, layer, doubles(5).images, 10, torch.Generator().manual_seed(0))
    first, second = found.split(50)
    assert first.any(0).tolist() == [True, False, True, False]
    assert second.any(0).tolist() == [False, True, False, True]


def test_a_layer_that_only_the_answer_reads_is_not_judged():
    class Ending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(36, 5), nn.Linear(5, 5)

        def forward(self, images: Tensor) -> Tensor:
            x = torch.relu(self.a(images.flatten(1)))
            return torch.relu(x + self.b(x))

    with pytest.raises(ModelError, match="none that can be pruned"):
        wiring_of(Ending())


READERS = {
    "stride": {"stride": 2},
    "dilation": {"dilation": 2},
    "uneven": {"padding": (2, 0), "stride": (1, 2)},
    "same": {"padding": "same", "dilation": (1, 2)},
    "valid": {"padding": "valid"},
    "reflected": {"padding_mode": "reflect"},
    "in groups": {"groups": 2},
}


@pytest.mark.parametrize("name", READERS)
def test_the_terms_of_a_convolution_add_up_to_its_numbers(name: str):
    torch.manual_seed(1)
    reader, read = conv(4, 6, **READERS[name]).double(), torch.randn(3, 4, 7, 8, dtype=torch.float64)
    terms = sampled_terms(reader, read, Sampling(400, torch.Generator().manual_seed(0), 3))
    whole = reader(read).flatten(1)
    met = 0
    for image, found in enumerate(terms.sum(1).split(400)):
        gaps = (found[:, None] - whole[image]).abs()
        assert gaps.amin(1).max() < 1e-12
        met += len(gaps.argmin(1).unique())
    assert met > 0.6 * 3 * min(400, whole.shape[1])


def test_the_terms_of_a_linear_layer_at_many_places_add_up_to_its_numbers():
    torch.manual_seed(1)
    reader, read = nn.Linear(4, 5, bias=False).double(), torch.randn(2, 3, 3, 4, dtype=torch.float64)
    terms = sampled_terms(reader, read, Sampling(200, torch.Generator().manual_seed(0), 2))
    whole = reader(read).flatten(1)
    for image, found in enumerate(terms.sum(1).split(200)):
        assert (found[:, None] - whole[image]).abs().amin(1).max() < 1e-12


def test_masks_of_a_network_with_streams_have_exact_counts(case, doubles):
    model, _ = case
    (masks,) = ThiNet(samples=6, positions=4).masks(Task(model, doubles(6)), (0.5,), Selection("layer"))
    assert masks.kept == {name: units - round(0.5 * units) for name, units in masks.units.items()}
