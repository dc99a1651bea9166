"""Networks of torchvision that were not made for pruning: cut, masked and silenced, they compute the same."""

import pytest
import torch
import torchvision
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.evaluation import parameters
from mipp_core.network.layers import wiring_of
from mipp_core.network.silencing import silenced

NETWORKS = (
    "resnet18",
    "resnext50_32x4d",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mnasnet0_5",
    "squeezenet1_1",
    "shufflenet_v2_x0_5",
    "densenet121",
    "googlenet",
    "efficientnet_b0",
    "convnext_tiny",
    "regnet_y_400mf",
    "inception_v3",
    "alexnet",
    "vgg11_bn",
)
"""One of every family with a way of its own to join, group, gate or normalise channels, and two that have none.

Their larger members: ``python -m benchmarks.exact_surgery``.
"""

SIZES = {"inception_v3": 80}
"""Height and width of the images, where 64 is too small."""


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest) -> nn.Module:
    settings = {"init_weights": False} if request.param in {"googlenet", "inception_v3"} else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = torchvision.models.get_model(request.param, weights=None, **settings).double().eval()
        with torch.no_grad():
            for module in model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.running_mean.normal_(0, 0.1)
                    module.running_var.uniform_(0.5, 1.5)
                    module.weight.uniform_(0.5, 1.5)
                    module.bias.normal_(0, 0.2)
    model.size = SIZES.get(request.param, 64)
    return model


def keep(name: str, units: int, generator: torch.Generator) -> Tensor:
    if name == "random":
        return torch.rand(units, generator=generator) < 0.5
    return torch.arange(units) == units // 2 if name == "one unit" else torch.ones(units, dtype=torch.bool)


@pytest.mark.parametrize("name", ["full", "random", "one unit"])
@torch.no_grad()
def test_cut_equals_masked(network: nn.Module, name: str):
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(2, 3, network.size, network.size, dtype=torch.float64, generator=generator)
    masks = KeepMasks({layer.name: keep(name, layer.units, generator) for layer in wiring_of(network).layers})
    expected = masked(network, masks)(images)
    largest = max(1.0, expected.abs().max().item())
    slim = shrink(network, masks)
    torch.testing.assert_close(slim(images), expected, rtol=0, atol=1e-10 * largest)
    torch.testing.assert_close(silenced(network, masks)(images), expected, rtol=0, atol=1e-10 * largest)
    if name != "full":
        assert parameters(slim) < 0.7 * parameters(network)
