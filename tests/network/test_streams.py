"""What the next layer reads of a residual stream, with a layer and without it."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.models import Architecture
from mipp_core.network.activations import collapse_maps, record, without
from mipp_core.network.finding import OUTPUT
from mipp_core.network.layers import weighted, wiring_of
from mipp_core.network.silencing import silence
from mipp_core.network.streams import passed_by, streams_of


class Stream(nn.Module):
    """Two linear layers; the first is added to the input, in one of several ways."""

    def __init__(self, join: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.a, self.b, self.c, self.join = nn.Linear(4, 4), nn.Linear(4, 3), nn.Linear(3, 2), join

    def forward(self, images: Tensor) -> Tensor:
        x = images.flatten(1)
        return self.c(self.b(self.join(x, self.a(x)).relu()).relu())


def plain(x: Tensor, added: Tensor) -> Tensor:
    return x + added


def into_the_layer(x: Tensor, added: Tensor) -> Tensor:
    added += x
    return added


def into_the_stream(x: Tensor, added: Tensor) -> Tensor:
    stream = x * 1.0
    stream += added
    return stream


def awake(model: nn.Module) -> nn.Module:
    """Statistics and shifts that are not the neutral ones."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.copy_(torch.randn(len(module.weight), generator=generator) * 0.3)
                module.bias.copy_(torch.randn(len(module.weight), generator=generator) * 0.3)
    return model.double().eval()


NETWORKS = {
    "plain": ((1, 2, 2), lambda _: Stream(plain)),
    "into the layer": ((1, 2, 2), lambda _: Stream(into_the_layer)),
    "into the stream": ((1, 2, 2), lambda _: Stream(into_the_stream)),
    "basic blocks": ((2, 8, 8), lambda make: make("resnet18").build(1)),
    "bottlenecks": ((2, 8, 8), lambda make: make("resnet50").build(1)),
    "inverted blocks": ((3, 32, 32), lambda _: torchvision.models.mobilenet_v2(num_classes=3)),
}


@pytest.fixture(params=NETWORKS)
def subject(request: pytest.FixtureRequest, small_architecture: Callable[[str], Architecture]):
    shape, make = NETWORKS[request.param]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = awake(make(small_architecture))
    return model, torch.randn(5, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def read_by(model: nn.Module, name: str, images: Tensor) -> Tensor:
    heard: list[Tensor] = []
    hook = weighted(model, name).register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0].clone()))
    model(images)
    hook.remove()
    return heard[0]


def as_columns(maps: Tensor) -> Tensor:
    return collapse_maps(maps.flatten(2) if maps.ndim > 2 else maps[..., None], "l1")


@torch.no_grad()
def test_a_stream_is_recorded_as_the_next_layer_reads_it_with_and_without_a_layer(subject):
    model, images = subject
    wiring, seen = wiring_of(model), record(model, images)
    streams = streams_of(wiring)
    assert streams
    for stream in streams:
        name, reader = stream.layer.name, stream.layer.reader
        dumb = deepcopy(model)
        silence(dumb, wiring, name, torch.zeros(stream.layer.units, dtype=torch.bool))
        for key, network in ((name, model), (without(name), dumb)):
            torch.testing.assert_close(seen[key], as_columns(read_by(network, reader, images)), rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_recording_changes_nothing(subject, state_of):
    model, images = subject
    before, copy = state_of(model), images.clone()
    seen = record(model, images)
    assert state_of(model) == before
    assert torch.equal(images, copy)
    torch.testing.assert_close(seen[OUTPUT], model(images), rtol=1e-12, atol=1e-12)


def test_a_stream_behind_which_channels_are_mixed_is_heard_at_its_sum():
    model = Stream(lambda x, added: functional.layer_norm(x + added, (4,))).eval()
    (stream,) = streams_of(wiring_of(model))
    assert [node.name for node in stream.between] == [stream.layer.voice.sum] == ["add"]


def test_a_layer_knows_everyone_who_reads_its_stream(small_architecture: Callable[[str], Architecture]):
    wiring = wiring_of(small_architecture("resnet18").build())
    assert wiring["layer1.0.conv1"].readers == ("layer1.0.conv2",)
    assert wiring["layer1.1.conv2"].readers == ("layer2.0.conv1", "layer2.0.downsample.0")
    assert wiring["layer4.0.conv2"].readers == ("layer4.1.conv1", "fc")
    assert wiring["layer4.1.conv2"].readers == ("fc",)


def test_what_an_image_can_get_round(small_architecture: Callable[[str], Architecture]):
    residual = wiring_of(small_architecture("resnet18").build())
    assert passed_by(residual) == set(residual.names) - {"conv1"}
    assert passed_by(wiring_of(small_architecture("lenet5").build())) == set()
    assert passed_by(wiring_of(Stream(plain).double())) == {"a"}


class Fork(nn.Module):
    """A convolution whose pixels are read by two linear layers and, past them, by a third, the shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b = nn.Conv2d(1, 4, 1), nn.Linear(4, 5), nn.Linear(5, 6)
        self.shortcut, self.head = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(images).relu().permute(0, 2, 3, 1)
        return self.head((self.b(self.a(x).relu()) + self.shortcut(x)).relu().mean((1, 2)))


@torch.no_grad()
def test_a_layer_that_is_not_prunable_is_recorded_unit_by_unit_wherever_its_channels_lie():
    model, images = Fork().eval(), torch.randn(5, 1, 2, 3, generator=torch.Generator().manual_seed(1))
    wiring = wiring_of(model)
    assert wiring["stem"].readers == ("a", "shortcut")
    assert "shortcut" not in wiring.names
    wanted = model.shortcut(model.stem(images).relu().permute(0, 2, 3, 1)).abs().sum((1, 2))
    torch.testing.assert_close(record(model, images)["shortcut"], wanted)


class Repeated(nn.Module):
    """A layer of one unit, which a sum repeats beside every unit of another."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.many, self.head = (nn.Linear(*ends) for ends in ((4, 6), (6, 1), (6, 5), (5, 2)))

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(images.flatten(1)).relu()
        return self.head((self.one(x) + self.many(x)).relu())


@torch.no_grad()
def test_a_sum_that_repeats_a_unit_is_no_stream():
    model, images = Repeated().eval(), torch.randn(5, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    wiring, seen = wiring_of(model), record(model, images)
    assert wiring.names == ("stem", "one", "many")
    assert streams_of(wiring) == []
    torch.testing.assert_close(seen["one"], model.one(model.stem(images.flatten(1)).relu()))
    torch.testing.assert_close(seen["many"], model.many(model.stem(images.flatten(1)).relu()))


class Overwritten(nn.Module):
    """The stream is overwritten after it has been read."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c, self.head = (nn.Linear(*ends) for ends in ((4, 6), (6, 5), (5, 6), (6, 2)))

    def forward(self, images: Tensor) -> Tensor:
        x = self.a(images.flatten(1)).relu()
        return self.head(x.add_(self.c(self.b(x).relu())))


@torch.no_grad()
def test_what_was_read_is_recorded_as_it_was_before_it_is_overwritten():
    model, images = Overwritten().eval(), torch.randn(5, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(record(model, images)["a"], model.a(images.flatten(1)).relu())
