"""VGG with batch normalisation (Simonyan and Zisserman, arXiv 1409.1556) as used for images of 32x32."""

from collections import OrderedDict
from collections.abc import Iterator

from torch import nn


def build(
    pooled_after: tuple[int, ...], widths: tuple[int, ...], image_shape: tuple[int, int, int], classes: int
) -> nn.Module:
    """Build 3x3 convolutions, each with batch normalisation and ReLU, five poolings, and one linear layer.

    Args:
        pooled_after: numbers of convolutions, from 1, that a pooling follows.
        widths: of the convolutions.
        image_shape: channels, height and width of an image.
        classes: number of outputs.
    """
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
