"""Residual networks for images of 32x32 (He et al., arXiv 1512.03385, Section 4.2), three stages with few channels.

The shortcuts have no weights (option A): every second position is taken, and new channels are 0.  Layers are named as
in Idelbayev's public checkpoints (github.com/akamaster/pytorch_resnet_cifar10), which load.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.nn import functional

from mipp_core.errors import ModelError

Stream = Any
"""The tensor [n, channels, height, width] that blocks add to, or ``torch.fx``'s stand-in for it while tracing."""


class Shortcut(nn.Module):
    """Take every second position and add channels of zeros, half of them in front (option A)."""

    def __init__(self, stride: int, more: int) -> None:
        super().__init__()
        self.stride, self.front, self.back = stride, more // 2, more - more // 2

    def forward(self, stream: Stream) -> Stream:
        """Return the stream in the shape of the next stage."""
        return functional.pad(stream[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.front, self.back))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, reads: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(reads, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = Shortcut(stride, width - reads) if stride > 1 else nn.Identity()

    def forward(self, stream: Stream) -> Stream:
        """Return the stream with what the two convolutions add to it."""
        inner = self.relu(self.bn1(self.conv1(stream)))
        return self.relu(self.bn2(self.conv2(inner)) + self.shortcut(stream))


def build(blocks: int, widths: tuple[int, ...], image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Build one convolution, three stages (all but the first halve the image), an average and a linear layer."""
    if list(widths) != sorted(widths):
        raise ModelError(
            f"The widths {list(widths)} become smaller, and this network's shortcuts can only add channels; give three "
            "widths that never become smaller, as 16,32,64."
        )
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(image_shape[0], widths[0], 3, padding=1, bias=False),
        bn1=nn.BatchNorm2d(widths[0]),
        relu=nn.ReLU(),
    )
    reads = widths[0]
    for number, width in enumerate(widths, start=1):
        layers[f"layer{number}"] = nn.Sequential(*_stage(reads, width, blocks, stride=1 if number == 1 else 2))
        reads = width
    layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "linear": nn.Linear(reads, classes)}
    return nn.Sequential(layers)


def _stage(reads: int, width: int, blocks: int, stride: int) -> Iterator[nn.Module]:
    yield Block(reads, width, stride)
    for _ in range(blocks - 1):
        yield Block(width, width, 1)
