"""Residual networks (He et al., arXiv 1512.03385) as used for images of 32x32.

The first layer is a 3x3 convolution that keeps the image's size, and no pooling follows it.  The blocks are
torchvision's, and so are the names of all layers.
"""

from collections import OrderedDict
from collections.abc import Iterator

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck


def build(
    is_deep: bool,
    counts: tuple[int, ...],
    widths: tuple[int, ...],
    image_shape: tuple[int, int, int],
    classes: int,
) -> nn.Module:
    """Build one convolution, four stages (all but the first halve the image), an average and a linear layer.

    Args:
        is_deep: whether blocks have three convolutions, instead of two.
        counts: blocks of each stage.
        widths: of the stages.
        image_shape: channels, height and width of an image.
        classes: number of outputs.
    """
    block = Bottleneck if is_deep else BasicBlock
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(image_shape[0], widths[0], 3, padding=1, bias=False),
        bn1=nn.BatchNorm2d(widths[0]),
        relu=nn.ReLU(inplace=True),
    )
    reads = widths[0]
    for number, (width, count) in enumerate(zip(widths, counts, strict=True), start=1):
        layers[f"layer{number}"] = nn.Sequential(*_stage(block, reads, width, count, stride=1 if number == 1 else 2))
        reads = width * block.expansion
    layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(reads, classes)}
    return nn.Sequential(layers)


def _stage(
    block: type[BasicBlock | Bottleneck], reads: int, width: int, count: int, stride: int
) -> Iterator[nn.Module]:
    """Yield the blocks of a stage; if the stream's shape changes, the first has a shortcut layer."""
    gives = width * block.expansion
    shortcut = None
    if stride > 1 or reads != gives:
        shortcut = nn.Sequential(nn.Conv2d(reads, gives, 1, stride, bias=False), nn.BatchNorm2d(gives))
    yield block(reads, width, stride, shortcut)
    for _ in range(count - 1):
        yield block(gives, width)
