"""The registry of model families.  To add one, write a file with a function that builds it, and an entry here.

What families declare is here, and how they are built in those files, which are imported when a network is built.
"""

from collections.abc import Mapping
from itertools import accumulate
from types import MappingProxyType

from mipp_core.later import Later
from mipp_core.models.family import Family
from mipp_core.models.from_torchvision import photographs

_VGG: Mapping[int, tuple[int, ...]] = MappingProxyType({11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)})
"""Depth -> convolutions of each stage (arXiv 1409.1556, Table 1, columns A, D, E); each stage ends with a pooling."""

_RESNET: Mapping[int, tuple[str, tuple[int, ...]]] = MappingProxyType(
    {18: ("two", (2, 2, 2, 2)), 34: ("two", (3, 4, 6, 3)), 50: ("three", (3, 4, 6, 3))}
)
"""Depth -> convolutions of a block, and blocks in each stage (arXiv 1512.03385, Table 1)."""


def _vgg(depth: int) -> Family:
    """Return the family of one depth, as its authors count: with three linear layers."""
    stages = _VGG[depth]
    widths = zip((64, 128, 256, 512, 512), stages, strict=True)
    return Family(
        description=f"VGG{depth} with batch normalisation: {sum(stages)} 3x3 convolutions and one linear layer",
        width_names=tuple(f"conv{number}" for number in range(1, sum(stages) + 1)),
        widths=tuple(width for width, count in widths for _ in range(count)),
        build=Later("mipp_core.models.vgg", "build", (tuple(accumulate(stages)),)),
        smallest_image=32,
    )


def _resnet(depth: int) -> Family:
    """Return the family of one depth.

    A stage's width is that of its blocks' inner convolutions; the stream of blocks of three is four times as wide.
    """
    convolutions, counts = _RESNET[depth]
    return Family(
        description=f"ResNet{depth}: {sum(counts)} residual blocks of {convolutions} convolutions in four stages",
        width_names=tuple(f"stage{number}" for number in range(1, 5)),
        widths=(64, 128, 256, 512),
        build=Later("mipp_core.models.resnet", "build", (convolutions == "three", counts)),
        smallest_image=8,
    )


def _cifar_resnet(depth: int, stages: int = 3) -> Family:
    """Return the family of one depth: 6n + 2 layers for n blocks in each of three stages (the same, Section 4.2)."""
    blocks = (depth - 2) // (2 * stages)
    return Family(
        description=f"ResNet{depth} for 32x32: {stages * blocks} residual blocks in three stages, shortcuts without "
        "weights",
        width_names=tuple(f"stage{number}" for number in range(1, stages + 1)),
        widths=(16, 32, 64),
        build=Later("mipp_core.models.cifar_resnet", "build", (blocks,)),
    )


MODELS: dict[str, Family] = {
    "lenet5": Family(
        description="LeNet5: two convolutions of 6 and 16 filters, linear layers of 120 and 84 neurons",
        width_names=("conv1", "conv2", "fc1", "fc2"),
        widths=(6, 16, 120, 84),
        build=Later("mipp_core.models.lenet5", "build"),
        smallest_image=12,
    ),
    "mlp": Family(
        description="Multilayer perceptron with hidden layers of 300 and 100 neurons",
        width_names=("fc1", "fc2"),
        widths=(300, 100),
        build=Later("mipp_core.models.mlp", "build"),
    ),
    "vgg11": _vgg(11),
    "vgg16": _vgg(16),
    "vgg19": _vgg(19),
    "resnet18": _resnet(18),
    "resnet34": _resnet(34),
    "resnet50": _resnet(50),
    "resnet20": _cifar_resnet(20),
    "resnet32": _cifar_resnet(32),
    "resnet56": _cifar_resnet(56),
    "torchvision:resnet50": photographs("resnet50", "IMAGENET1K_V1", "IMAGENET1K_V2"),
    "torchvision:vgg16": photographs("vgg16", "IMAGENET1K_V1"),
}
"""Families by name; any other torchvision network is available as ``torchvision:NAME``."""
