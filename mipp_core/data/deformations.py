"""Deformed images, for a harder task on the same pictures (MIPP paper, Figure 1).

The paper: "Deforming MNIST for increased image complexity.  These transformations were applied randomly with
equal probability and then kept consistent during training, pruning, and re-training."  Each image gets one of
four deformations.  The paper gives no parameters; ours are, at strength s:

affine    rotation within ±45°·s, zoom within 1 ± 0.25·s, shear within ±0.25·s, shift within ±0.1·s of the
          image's longer side, each uniform
elastic   a smooth field of shifts: uniform within ±0.1·s of the image on a grid of 5×5 points, interpolated
          bicubically between them
noise     Gaussian noise of standard deviation 0.5·s on every pixel of every channel
erasing   a rectangle set to 0 (black), each side uniform within (0.4 to 0.6)·s of the image's

What lies outside the image is black, and pixels are kept in [0, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from mipp_core.data.random_access import RandomAccess
from mipp_core.errors import SettingError

SplitName = Literal["train", "test"]
"""Which half of a dataset; the same index gets different deformations in the two."""

_STREAMS: dict[SplitName, int] = {"train": 0, "test": 1}
_CHOICE, _SHAPE = 0, 1  # purposes of an image's random numbers
_CONTROL = 5  # points per side of the elastic grid
_CHUNK = 8192  # images at a time: limits the memory taken by grids and noise


@dataclass(frozen=True)
class Deformation:
    """One fixed deformation per image, chosen at random among ``KINDS`` with equal probability.

    An image's deformation depends only on the seed, the split and the image's index: not on the other images
    or the batch, nor on the strength, which only scales it.

    Attributes:
        strength: how much, in [0, 1]; 0 leaves every image as it is.
        seed: any integer; another seed gives other deformations.

    Raises:
        SettingError: the strength is outside [0, 1].
    """

    strength: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 1.0:
            raise SettingError(
                f"The deformation strength {self.strength} is outside [0, 1]; choose 0 (none) to 1 (most)."
            )

    def apply(
        self, pixels: Float[Tensor, "n c h w"], split: SplitName, index: Int[Tensor, " n"] | None = None
    ) -> Float[Tensor, "n c h w"]:
        """Return the deformed images.

        Args:
            pixels: images in [0, 1], shape [n, channels, height, width].
            split: the half of the dataset they belong to.
            index: their positions in that half, shape [n]; by default 0 to n - 1.

        Returns:
            Images in [0, 1] of the same shape; ``pixels`` itself at strength 0.
        """
        if self.strength == 0.0 or len(pixels) == 0:
            return pixels
        index = torch.arange(len(pixels), device=pixels.device) if index is None else index
        chunks = zip(pixels.split(_CHUNK), index.split(_CHUNK), strict=True)
        return torch.cat([self._deform(images, self._random(split, where)) for images, where in chunks])

    def kinds(self, split: SplitName, index: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
        """Return which deformation each image gets, as a position in ``KINDS``, shape [n]."""
        return _kinds(self._random(split, index))

    def _random(self, split: SplitName, index: Int[Tensor, " n"]) -> RandomAccess:
        return RandomAccess.of(self.seed, _STREAMS[split], index)

    def _deform(self, pixels: Float[Tensor, "n c h w"], random: RandomAccess) -> Float[Tensor, "n c h w"]:
        deformed = torch.empty_like(pixels)
        kinds = _kinds(random)
        for kind, deform in enumerate(KINDS.values()):
            rows = (kinds == kind).nonzero().squeeze(1)
            if len(rows):
                deformed[rows] = deform(pixels[rows], random.take(rows), self.strength)
        return deformed.clamp_(0.0, 1.0)


def _kinds(random: RandomAccess) -> Int[Tensor, " n"]:
    return random.bits(_CHOICE, 1).squeeze(1) & 3  # two bits: four kinds, exactly equally likely


def affine(pixels: Float[Tensor, "n c h w"], random: RandomAccess, strength: float) -> Float[Tensor, "n c h w"]:
    """Rotate, zoom, shear and shift each image."""
    reach = strength * torch.tensor([torch.pi / 4, 0.25, 0.25, 0.2, 0.2], device=pixels.device)
    draws = (2 * random.uniform(_SHAPE, 5) - 1) * reach
    turn, zoom, shear, right, down = draws.unsqueeze(2).unsqueeze(3).unbind(1)
    # The map goes from a pixel of the result to its source, so zooming in divides.
    cos, sin = turn.cos() / (1 + zoom), turn.sin() / (1 + zoom)
    x, y = _positions(pixels)
    wide, high = _aspect(pixels)
    x, y = x * wide, y * high  # a rotation needs the same unit in both directions
    source_x = cos * x + (cos * shear - sin) * y + right
    source_y = sin * x + (sin * shear + cos) * y + down
    return _sample(pixels, source_x / wide, source_y / high)


def elastic(pixels: Float[Tensor, "n c h w"], random: RandomAccess, strength: float) -> Float[Tensor, "n c h w"]:
    """Move each place of an image by a smooth random field."""
    points = (2 * random.uniform(_SHAPE, 2 * _CONTROL**2) - 1).view(-1, 2, _CONTROL, _CONTROL)
    field = functional.interpolate(points, size=pixels.shape[2:], mode="bicubic", align_corners=True)
    shift_x, shift_y = (0.2 * strength * field).unbind(1)
    x, y = _positions(pixels)
    return _sample(pixels, x + shift_x, y + shift_y)


def noise(pixels: Float[Tensor, "n c h w"], random: RandomAccess, strength: float) -> Float[Tensor, "n c h w"]:
    """Add Gaussian noise to every pixel of every channel."""
    added = random.normal(_SHAPE, pixels[0].numel()).view_as(pixels)
    return pixels + 0.5 * strength * added.to(pixels.dtype)


def erasing(pixels: Float[Tensor, "n c h w"], random: RandomAccess, strength: float) -> Float[Tensor, "n c h w"]:
    """Set one rectangle of each image to 0, at least one pixel large."""
    draws = random.uniform(_SHAPE, 4).unsqueeze(2)
    rows = _inside(pixels.shape[2], draws[:, 0], strength * (0.4 + 0.2 * draws[:, 1]))
    columns = _inside(pixels.shape[3], draws[:, 2], strength * (0.4 + 0.2 * draws[:, 3]))
    return pixels.masked_fill((rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1), 0.0)


KINDS: dict[str, Callable[[Float[Tensor, "n c h w"], RandomAccess, float], Float[Tensor, "n c h w"]]] = {
    "affine": affine,
    "elastic": elastic,
    "noise": noise,
    "erasing": erasing,
}
"""The deformations of the paper's Figure 1: exactly four, so two random bits choose one."""


def _inside(size: int, place: Float[Tensor, "n 1"], length: Float[Tensor, "n 1"]) -> Tensor:
    """Mark the pixels of an interval, shape [n, size]; for the same place, a longer interval contains a shorter one."""
    start = place * (1 - length)
    pixel = torch.arange(size, device=place.device)
    return (pixel >= (start * size).floor()) & (pixel < ((start + length) * size).ceil())


def _positions(pixels: Float[Tensor, "n c h w"]) -> tuple[Float[Tensor, "1 w"], Float[Tensor, "h 1"]]:
    """Return the pixels' centres, where -1 is one edge of the image and 1 the other."""
    x, y = (
        (2 * torch.arange(size, device=pixels.device, dtype=torch.float64) + 1) / size - 1
        for size in (pixels.shape[3], pixels.shape[2])
    )
    return x.unsqueeze(0), y.unsqueeze(1)


def _aspect(pixels: Float[Tensor, "n c h w"]) -> tuple[float, float]:
    """Return width and height, each divided by the longer of the two."""
    height, width = pixels.shape[2:]
    return width / max(height, width), height / max(height, width)


def _sample(
    pixels: Float[Tensor, "n c h w"], x: Float[Tensor, "n h w"], y: Float[Tensor, "n h w"]
) -> Float[Tensor, "n c h w"]:
    """Take each pixel of the result from a place of the image, bilinearly, with black outside."""
    # Places are computed in float64 and rounded here, so that the last bit of a sine cannot depend on the batch.
    grid = torch.stack([x, y], dim=3).to(pixels.dtype)
    return functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
