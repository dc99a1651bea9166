from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.errors import ModelError
from mipp_core.models import architecture
from mipp_core.network.finding import Layer
from mipp_core.network.layers import device_of, weighted, wiring_of


class Net(nn.Module):
    """Two linear layers, joined by a function given."""

    def __init__(self, join) -> None:
        super().__init__()
        self.a, self.b, self.relu = nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU()
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self, x)


def test_lenet5_is_a_chain_of_four_prunable_layers():
    chain = wiring_of(architecture("lenet5", (1, 28, 28), 10).build())
    assert chain.layers == (
        Layer("conv1", 6, ("conv2",), 1),
        Layer("conv2", 16, ("fc1",), 25),
        Layer("fc1", 120, ("fc2",), 1),
        Layer("fc2", 84, ("fc3",), 1),
    )
    assert (chain.image_readers, chain.last) == (("conv1",), "fc3")
    assert chain.names == ("conv1", "conv2", "fc1", "fc2")
    assert chain["conv2"].span == 25


def test_modules_inside_modules_are_found_by_their_paths():
    inner = nn.Sequential(OrderedDict(first=nn.Linear(4, 3), relu=nn.ReLU()))
    chain = wiring_of(nn.Sequential(OrderedDict(body=inner, head=nn.Linear(3, 2))))
    assert chain.layers == (Layer("body.first", 3, ("head",), 1),)


@pytest.mark.parametrize(
    ("join", "words"),
    [
        (lambda net, x: net.b(net.a(x)) if x.sum() > 0 else x, "reads the values of its activations in Python .bool."),
        (lambda net, x: net.b(net.a(x)) * x.max().item(), "reads the values of its activations in Python .item."),
        (lambda net, x: net.b(net.relu(x)), "has 1 convolution or linear layers and none that can be pruned"),
        (lambda net, x: (net.a(x), net.b(x)), "has 2 convolution or linear layers and none that can be pruned"),
    ],
)
def test_what_cannot_be_pruned_is_refused(join, words: str):
    with pytest.raises(ModelError, match=words):
        wiring_of(Net(join))


@pytest.mark.parametrize(
    "middle",
    [nn.LayerNorm(4), nn.Softmax(1), nn.Sigmoid(), nn.BatchNorm1d(4), nn.ReLU()],
    ids=str,
)
def test_an_operation_that_mixes_units_or_wakes_them_is_given_all_of_them(middle: nn.Module):
    model = nn.Sequential(OrderedDict(a=nn.Linear(4, 4), middle=middle, b=nn.Linear(4, 3))).double().eval()
    masks, x = KeepMasks({"a": torch.tensor([True, False, False, True])}), torch.rand(5, 4, dtype=torch.float64)
    slim = shrink(model, masks)
    torch.testing.assert_close(slim(x), masked(model, masks)(x), rtol=0, atol=1e-12)
    assert slim.a.out_features == 2
    assert slim.b.in_features == (2 if isinstance(middle, nn.ReLU | nn.BatchNorm1d) else 4)


def test_a_residual_stream_keeps_its_width():
    model = Net(lambda net, x: net.b(net.relu(x + net.a(x)))).double().eval()
    layer = wiring_of(model)["a"]
    assert (layer.reader, layer.in_stream, layer.voice.sum) == ("b", True, "add")
    masks, x = KeepMasks({"a": torch.tensor([True, False, False, True])}), torch.rand(5, 4, dtype=torch.float64)
    slim = shrink(model, masks)
    torch.testing.assert_close(slim(x), masked(model, masks)(x), rtol=0, atol=1e-12)
    assert (slim.a.out_features, slim.b.in_features) == (2, 4)


def test_a_network_that_measures_its_batch_is_followed_and_one_that_counts_it_is_refused():
    assert wiring_of(Net(lambda net, x: net.b(net.a(x))[: len(x)])).names == ("a",)
    with pytest.raises(ModelError, match="does something else for another number of images"):
        wiring_of(Net(lambda net, x: net.b(net.a(x) if len(x) % 2 else net.relu(net.a(x)))))
    with pytest.raises(ModelError, match="depends on the number of images other than by a multiple"):
        wiring_of(Net(lambda net, x: net.b(net.a(x)) * (1 / len(x))))


def test_weighted_gives_the_layer_and_refuses_others():
    net = Net(lambda net, x: x)
    assert weighted(net, "a") is net.a
    with pytest.raises(ModelError, match="'relu' is a ReLU; a convolution or a linear layer was expected"):
        weighted(net, "relu")


def test_a_networks_device_is_its_weights():
    assert device_of(nn.Linear(1, 1)).type == "cpu"
    assert device_of(nn.Linear(1, 1, device="meta")).type == "meta"


class Gated(nn.Module):
    """A layer whose units are weighed by two small layers that read their averages."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 5, 3)
        self.squeeze, self.open, self.last = nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1), nn.Linear(5, 3)

    def forward(self, images: Tensor) -> Tensor:
        x = torch.relu(self.a(images))
        gate = torch.sigmoid(self.open(torch.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        return self.last(self.b(x * gate).mean((2, 3)))


def test_gated_units_are_heard_where_they_are_read_and_not_where_they_are_averaged():
    wiring = wiring_of(Gated())
    assert (wiring["a"].reader, wiring["a"].voice.tensor) == ("b", "mul")
    assert (wiring["squeeze"].reader, wiring["squeeze"].voice.tensor) == ("open", "relu_1")


def test_a_join_of_one_tensor_keeps_its_channels_apart():
    wiring = wiring_of(Net(lambda net, x: net.b(torch.cat([net.a(x)], 1))))
    assert wiring["a"].reader == "b"
    assert [use.node.name for use in wiring.flow.mixes] == ["output"]
