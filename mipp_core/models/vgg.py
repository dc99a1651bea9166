"""VGG with batch normalisation (Simonyan and Zisserman, arXiv 1409.1556) as used for images of 32x32."""

from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from itertools import accumulate

from torch import nn

from mipp_core.models.family import Family

_STAGES = {11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Depth -> convolutions of each stage (Table 1, columns A, D and E); each stage ends with a pooling."""

_WIDTHS = (64, 128, 256, 512, 512)


def vgg(depth: int) -> Family:
    """Return the family of one depth: 11, 16 or 19 layers as its authors count, with three linear layers."""
    stages = _STAGES[depth]
    return Family(
        description=f"VGG{depth} with batch normalisation: {sum(stages)} 3x3 convolutions and one linear layer",
        width_names=tuple(f"conv{number}" for number in range(1, sum(stages) + 1)),
        widths=tuple(width for width, count in zip(_WIDTHS, stages, strict=True) for _ in range(count)),
        build=partial(_build, tuple(accumulate(stages))),
        smallest_image=32,
    )


def _build(
    pooled_after: tuple[int, ...], widths: tuple[int, ...], image_shape: tuple[int, int, int], classes: int
) -> nn.Module:
    """3x3 convolutions, each with batch normalisation and ReLU, five poolings, and one linear layer."""
    channels, height, width = image_shape
    layers = OrderedDict(_features(channels, widths, pooled_after))
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(widths[-1] * (height // 32) * (width // 32), classes)
    return nn.Sequential(layers)


def _features(channels: int, widths: tuple[int, ...], pooled_after: tuple[int, ...]) -> Iterator[tuple[str, nn.Module]]:
    for number, (reads, gives) in enumerate(zip((channels, *widths), widths, strict=False), start=1):
        yield f"conv{number}", nn.Conv2d(reads, gives, 3, padding=1)
        yield f"norm{number}", nn.BatchNorm2d(gives)
        yield f"relu{number}", nn.ReLU()
        if number in pooled_after:
            yield f"pool{number}", nn.MaxPool2d(2)
