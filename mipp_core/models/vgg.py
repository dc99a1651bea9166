"""VGG with batch normalisation (Simonyan and Zisserman, arXiv 1409.1556) as it is used for images of 32x32."""

from collections import OrderedDict
from collections.abc import Iterator

from torch import nn

from mipp_core.models.family import Family

_POOLED_AFTER = (2, 4, 7, 10, 13)
"""The convolutions of VGG16 that are followed by a pooling."""


def _build(widths: tuple[int, ...], image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """3x3 convolutions, each with batch normalisation and ReLU, five poolings, and one linear layer."""
    side = min(image_shape[1:]) // 32
    layers = OrderedDict(_features(image_shape[0], widths))
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(widths[-1] * side * (max(image_shape[1:]) // 32), classes)
    return nn.Sequential(layers)


def _features(channels: int, widths: tuple[int, ...]) -> Iterator[tuple[str, nn.Module]]:
    for number, (reads, gives) in enumerate(zip((channels, *widths), widths, strict=False), start=1):
        yield f"conv{number}", nn.Conv2d(reads, gives, 3, padding=1)
        yield f"norm{number}", nn.BatchNorm2d(gives)
        yield f"relu{number}", nn.ReLU()
        if number in _POOLED_AFTER:
            yield f"pool{number}", nn.MaxPool2d(2)


VGG16 = Family(
    description="VGG16 with batch normalisation: thirteen 3x3 convolutions and one linear layer",
    layers=tuple(f"conv{number}" for number in range(1, 14)),
    widths=(64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512),
    build=_build,
    smallest_image=32,
)
