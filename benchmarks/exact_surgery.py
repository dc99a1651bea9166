"""How exactly torchvision's networks are cut: `python -m benchmarks.exact_surgery [name ...]`.

Cuts every network by three sets of keep-masks, in float64 on the CPU.  For each it prints the largest difference
between the outputs of the cut and the masked network, as a share of the largest output; then the shares of parameters
and of multiply-accumulates that are left when a random half of the units is kept.
"""

import sys
from collections.abc import Callable

import torch
import torchvision
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.surgery import masked, shrink
from mipp_core.evaluation import macs, parameters
from mipp_core.network.layers import wiring_of

NETWORKS = (
    "alexnet",
    "convnext_small",
    "convnext_tiny",
    "densenet121",
    "densenet169",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "googlenet",
    "inception_v3",
    "mnasnet0_5",
    "mnasnet1_0",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "regnet_y_400mf",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "squeezenet1_1",
    "vgg11_bn",
    "vgg16",
    "wide_resnet50_2",
)

SIZE = 96  # height and width of the images: the smallest that all of these can read

MASKS: dict[str, Callable[[int, torch.Generator], Tensor]] = {
    "full": lambda units, _: torch.ones(units, dtype=torch.bool),
    "random": lambda units, generator: torch.rand(units, generator=generator) < 0.5,
    "one unit": lambda units, _: torch.arange(units) == units // 2,
}


def network(name: str) -> nn.Module:
    """Build a network with random weights and random normalisation statistics, in float64."""
    settings = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None, **settings).double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            _remember_other_data(module)
    return model


@torch.no_grad()
def _remember_other_data(norm: nn.BatchNorm2d) -> None:
    norm.running_mean.normal_(0, 0.1)
    norm.running_var.uniform_(0.5, 1.5)
    norm.weight.uniform_(0.5, 1.5)
    norm.bias.normal_(0, 0.2)


@torch.no_grad()
def difference(model: nn.Module, slim: nn.Module, masks: KeepMasks) -> float:
    """Return the largest difference between a cut and a masked network's outputs, as a share of the largest output."""
    images = torch.rand(2, 3, SIZE, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = masked(model, masks)(images)
    return ((slim(images) - expected).abs().max() / expected.abs().max().clamp(min=1e-300)).item()


def line(name: str) -> str:
    """Cut one network by all masks and return its row of the table."""
    model, shape = network(name), (3, SIZE, SIZE)
    layers, generator = wiring_of(model).layers, torch.Generator().manual_seed(1)
    errors, shares = [], []
    for choose in MASKS.values():
        masks = KeepMasks({layer.name: choose(layer.units, generator) for layer in layers})
        slim = shrink(model, masks)
        errors.append(difference(model, slim, masks))
        shares.append((parameters(slim) / parameters(model), macs(slim, shape) / macs(model, shape)))
    cells = " | ".join(f"{error:.0e}" for error in errors)
    return f"| {name} | {len(layers)} | {cells} | {shares[1][0]:.0%} | {shares[1][1]:.0%} |"


def main() -> None:
    """Print one row per network."""
    print(f"| network | layers | {' | '.join(MASKS)} | parameters left | MACs left |")
    print(f"| {' | '.join(['---'] * (len(MASKS) + 4))} |")
    for name in sys.argv[1:] or NETWORKS:
        print(line(name), flush=True)


if __name__ == "__main__":
    main()
