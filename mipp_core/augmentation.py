"""Random changes to training images, on the device and for a whole batch at once (MIPP paper, D.2).

The paper names random cropping with padding and horizontal flips for CIFAR-10, and mixup and cutout as well for
CIFAR-100, and gives no parameters; the recipes use those of the papers it cites.  All changes are made to network
inputs, so what lies outside the image, or is cut out of it, is 0: the data's mean where inputs are centred.
Every random number comes from a generator on the CPU, so the numbers are the same on every device.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from mipp_core.errors import SettingError


@dataclass(frozen=True)
class Mixture:
    """Images blended in pairs.

    Attributes:
        images: each the sum of ``share`` of one and ``1 - share`` of another, shape [n, channels, height, width].
        partner: index of the other image, shape [n].
        share: in [0, 1], one for the whole batch.
    """

    images: Float[Tensor, "n c h w"]
    partner: Int[Tensor, " n"]
    share: float


@dataclass(frozen=True)
class Augmentation:
    """Which random changes a recipe makes to every training batch, in this order.

    Attributes:
        resized_crop: a random part of each file, resized, instead of its middle; only for datasets streamed from files.
        padding: pixels of 0 added on each side before a window of the image's own size is cut out at random.
        flip: swap left and right in half of the images.
        cutout: side in pixels of the square set to 0 (DeVries and Taylor, arXiv 1708.04552); 0 for none.
        mixup: images and losses blended in pairs (Zhang et al., arXiv 1710.09412), with a share from Beta(1, 1).

    Raises:
        SettingError: a number of pixels is negative.
    """

    padding: int = 0
    flip: bool = False
    cutout: int = 0
    mixup: bool = False
    resized_crop: bool = False

    def __post_init__(self) -> None:
        if self.padding < 0 or self.cutout < 0:
            raise SettingError(
                f"A padding of {self.padding} and a cutout of {self.cutout} pixels are not possible; give 0 or more "
                "for both."
            )

    def apply(self, images: Float[Tensor, "n c h w"], generator: torch.Generator) -> Float[Tensor, "n c h w"]:
        """Return the changed images, without mixup; the given images are not changed."""
        if self.padding:
            images = shifted(images, self.padding, generator)
        if self.flip:
            images = flipped(images, generator)
        return cut_out(images, self.cutout, generator) if self.cutout else images


def shifted(images: Float[Tensor, "n c h w"], padding: int, generator: torch.Generator) -> Float[Tensor, "n c h w"]:
    """Pad each image with zeros and cut a window of the image's own size out of it at a random place."""
    count, _, height, width = images.shape
    corner = torch.randint(2 * padding + 1, (count, 2), generator=generator).to(images.device)
    rows = corner[:, :1] + torch.arange(height, device=images.device)
    columns = corner[:, 1:] + torch.arange(width, device=images.device)
    which = torch.arange(count, device=images.device).view(-1, 1, 1)
    bordered = functional.pad(images, (padding,) * 4)
    window = bordered.permute(0, 2, 3, 1)[which, rows.unsqueeze(2), columns.unsqueeze(1)]
    return window.permute(0, 3, 1, 2).contiguous()


def flipped(images: Float[Tensor, "n c h w"], generator: torch.Generator) -> Float[Tensor, "n c h w"]:
    """Swap left and right in each image with probability one half."""
    chosen = torch.randint(2, (len(images), 1, 1, 1), generator=generator).bool().to(images.device)
    return torch.where(chosen, images.flip(3), images)


def cut_out(images: Float[Tensor, "n c h w"], side: int, generator: torch.Generator) -> Float[Tensor, "n c h w"]:
    """Set a square of each image to 0, centred on a random pixel: near an edge, part of the square is outside."""
    height, width = images.shape[2:]
    rows = _interval(height, side, len(images), generator).to(images.device)
    columns = _interval(width, side, len(images), generator).to(images.device)
    return images.masked_fill((rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1), 0.0)


def mixed(images: Float[Tensor, "n c h w"], generator: torch.Generator) -> Mixture:
    """Blend each image with another of the batch, with one random share, uniform in [0, 1), which is Beta(1, 1)."""
    partner = torch.randperm(len(images), generator=generator).to(images.device)
    share = torch.rand((), generator=generator).item()
    return Mixture(share * images + (1 - share) * images[partner], partner, share)


def _interval(size: int, side: int, count: int, generator: torch.Generator) -> Bool[Tensor, "count size"]:
    """Mark ``side`` pixels around a random one."""
    start = torch.randint(size, (count, 1), generator=generator) - side // 2
    pixel = torch.arange(size)
    return (pixel >= start) & (pixel < start + side)
