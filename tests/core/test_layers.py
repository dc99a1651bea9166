from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from mipp_core.errors import ModelError
from mipp_core.layers import Layer, chain_of, device_of, weighted
from mipp_core.models import architecture


class Net(nn.Module):
    """Two linear layers, joined by a function given."""

    def __init__(self, join) -> None:
        super().__init__()
        self.a, self.b, self.relu = nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU()
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self, x)


def test_lenet5_is_a_chain_of_four_prunable_layers():
    chain = chain_of(architecture("lenet5", (1, 28, 28), 10).build())
    assert chain.layers == (
        Layer("conv1", 6, "conv2", 1),
        Layer("conv2", 16, "fc1", 25),
        Layer("fc1", 120, "fc2", 1),
        Layer("fc2", 84, "fc3", 1),
    )
    assert (chain.first, chain.last) == ("conv1", "fc3")
    assert chain.names == ("conv1", "conv2", "fc1", "fc2")
    assert chain["conv2"].span == 25


def test_modules_inside_modules_are_found_by_their_paths():
    inner = nn.Sequential(OrderedDict(first=nn.Linear(4, 3), relu=nn.ReLU()))
    chain = chain_of(nn.Sequential(OrderedDict(body=inner, head=nn.Linear(3, 2))))
    assert chain.layers == (Layer("body.first", 3, "head", 1),)


@pytest.mark.parametrize(
    ("join", "words"),
    [
        (lambda net, x: net.b(net.a(x)) + net.a(x), "read in several places"),
        (lambda net, x: net.b(torch.relu(net.a(x))), "cannot be followed; use convolutions"),
        (lambda net, x: net.b(net.a(x).flatten(1)), "'flatten' cannot be followed"),
        (lambda net, x: net.b(net.a(x)) if x.sum() > 0 else x, "This network cannot be traced"),
        (lambda net, x: net.b(net.a(x)[: int(x)]), "This network cannot be traced"),
        (lambda net, x: net.b(net.relu(x)), "has 1 convolution or linear layers; pruning needs at least 2"),
    ],
)
def test_what_is_not_a_chain_is_refused(join, words: str):
    with pytest.raises(ModelError, match=words):
        chain_of(Net(join))


@pytest.mark.parametrize(
    "module", [nn.Conv2d(4, 4, 3, groups=2), nn.LayerNorm(4), nn.Softmax(1)], ids=["grouped", "layernorm", "softmax"]
)
def test_layers_that_mix_or_normalise_units_are_refused(module: nn.Module):
    with pytest.raises(ModelError, match="The operation 'middle' cannot be followed"):
        chain_of(nn.Sequential(OrderedDict(first=nn.Conv2d(1, 4, 3), middle=module, last=nn.Conv2d(4, 2, 1))))


def test_two_results_are_not_a_chain():
    with pytest.raises(ModelError):
        chain_of(Net(lambda net, x: (net.a(x), net.b(x))))


def test_a_layer_used_twice_is_not_a_chain():
    with pytest.raises(ModelError):
        chain_of(Net(lambda net, x: net.a(net.a(net.a(x)))))


def test_a_network_that_measures_its_batch_is_refused_politely():
    with pytest.raises(ModelError, match="cannot be traced"):
        chain_of(Net(lambda net, x: net.b(net.a(x))[: len(x)]))


def test_weighted_gives_the_layer_and_refuses_others():
    net = Net(lambda net, x: x)
    assert weighted(net, "a") is net.a
    with pytest.raises(ModelError, match="'relu' is a ReLU; a convolution or a linear layer was expected"):
        weighted(net, "relu")


def test_a_networks_device_is_its_weights():
    assert device_of(nn.Linear(1, 1)).type == "cpu"
    assert device_of(nn.Linear(1, 1, device="meta")).type == "meta"
