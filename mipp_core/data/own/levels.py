"""From arrays as people save them to grey levels in 0..255, shape [n, channels, height, width]."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy
import torch
from jaxtyping import UInt8
from torch import Tensor

from mipp_core.data.own.npz import Array, Member
from mipp_core.data.own.pictures import Frame
from mipp_core.errors import ImagesError

Layout = Literal["NHW", "NHWC", "NCHW"]
"""Images, height, width, and channels where there are any."""

_CHANNELS = (1, 3)
_GREY_SHARES = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601), as Pillow has them."""

_CHUNK = 2**26
"""Bytes that are looked at or turned at a time."""

_NEAR = 1e-3
"""By how much floating-point numbers may be outside their range: they are rounded anyway."""

_NEITHER = 2
"""Floating-point images whose largest number is between 1 and this are neither in 0..1 nor in 0..255."""


@dataclass(frozen=True)
class Levels:
    """How an array becomes grey levels.

    Attributes:
        layout: of the array.
        white: the array's number for white: 1, 255 or 65535.
        frame: what is shown of each image.
    """

    layout: Layout
    white: int
    frame: Frame

    def of(self, rows: Array) -> UInt8[Tensor, "n c h w"]:
        """Turn some images."""
        levels = rows if self.white == 255 else rows.astype(numpy.float64) * (255 / self.white)
        rounded = numpy.rint(levels).clip(0, 255) if levels.dtype.kind == "f" else levels
        images = torch.from_numpy(numpy.ascontiguousarray(in_channels(rounded, self.layout).astype(numpy.uint8)))
        return framed(_coloured(images, self.frame.channels), self.frame)


def layout_of(member: Member) -> Layout:
    """Find the layout of an array of images.

    Raises:
        ImagesError: it is none of those that are read, or could be two of them.
    """
    shape = member.shape
    if len(shape) == 3 and min(shape):
        return "NHW"
    if len(shape) == 4 and min(shape):
        last, second = shape[3] in _CHANNELS, shape[1] in _CHANNELS
        if last and second:  # [n, 32, 3, 3] cannot be told, but square images are likelier than others
            last, second = shape[1] == shape[2], shape[2] == shape[3]
        if last != second:
            return "NHWC" if last else "NCHW"
        if shape[1] in _CHANNELS:
            raise _wrong(member, "could have its channels first or last")
    raise _wrong(member, "is no array of images")


def size_in(member: Member, layout: Layout) -> tuple[int, int, int]:
    """Return channels, height and width of an array's images."""
    if layout == "NHW":
        return 1, member.shape[1], member.shape[2]
    if layout == "NHWC":
        return member.shape[3], member.shape[1], member.shape[2]
    return member.shape[1], member.shape[2], member.shape[3]


def in_channels(rows: Array, layout: Layout) -> Array:
    """Return images as [n, channels, height, width]."""
    if layout == "NHW":
        return rows[:, None]
    return rows.transpose(0, 3, 1, 2) if layout == "NHWC" else rows


def white_of(arrays: Sequence[tuple[Member, Array]]) -> int:
    """Find the number for white from the numbers in all arrays.

    Raises:
        ImagesError: they are not numbers, not finite, negative or too large, or of different kinds.
    """
    first, last = arrays[0][0], arrays[-1][0]
    most = max(_largest(member, array) for member, array in arrays)
    kinds = {"i" if member.dtype.kind == "u" else member.dtype.kind for member, _ in arrays}
    if len(kinds) > 1:
        raise _wrong(first, f"holds other numbers than {last}", "save both as uint8")
    if kinds == {"b"} or (kinds == {"f"} and most <= 1 + _NEAR):
        return 1
    if most <= 255 and not (kinds == {"f"} and most < _NEITHER):
        return 255
    if kinds == {"i"} and most <= 65535:
        return 65535
    raise _wrong(first, f"has numbers up to {most:g}", "give levels in 0..255, or in 0..1 as floating point")


def framed(images: UInt8[Tensor, "n c h w"], frame: Frame) -> UInt8[Tensor, "n c h2 w2"]:
    """Cut the middle out of images, or stretch them, as the frame says of pictures."""
    from torchvision.transforms import InterpolationMode  # here: it costs a second, which only those who read pay
    from torchvision.transforms import functional as transforms

    height, width = images.shape[2:]
    if (height, width) == (frame.height, frame.width):
        return images
    if frame.crop:
        scale = min(height / frame.height, width / frame.width)
        cut = [max(1, round(scale * frame.height)), max(1, round(scale * frame.width))]
        images = transforms.center_crop(images, cut)
    return transforms.resize(images, [frame.height, frame.width], InterpolationMode.BILINEAR, antialias=True)


def chunks(array: Array) -> Iterator[Array]:
    """Yield an array's images, some at a time."""
    each = max(1, _CHUNK // max(1, array[:1].nbytes))
    for start in range(0, len(array), each):
        yield array[start : start + each]


def _largest(member: Member, array: Array) -> float:
    """Return the largest number, after refusing those that no image has."""
    if array.dtype.kind not in "buif":
        raise _wrong(member, f"holds {array.dtype}, not numbers", "save images as uint8")
    if array.dtype.kind == "f" and not all(numpy.isfinite(part).all() for part in chunks(array)):
        raise _wrong(member, "has numbers that are not finite (NaN or infinite)", "mend or leave out those images")
    low = min(float(part.min()) for part in chunks(array))
    if low < (-_NEAR if array.dtype.kind == "f" else 0):
        raise _wrong(member, f"has numbers down to {low:g}", "give levels in 0..255, or in 0..1 as floating point")
    return max(float(part.max()) for part in chunks(array))


def _coloured(images: UInt8[Tensor, "n c h w"], channels: int) -> UInt8[Tensor, "n k h w"]:
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return images.repeat(1, 3, 1, 1)
    shares = torch.tensor(_GREY_SHARES).view(1, 3, 1, 1)
    return (images.float() * shares).sum(1, keepdim=True).round().to(torch.uint8)


def _wrong(member: Member, fault: str, remedy: str = "") -> ImagesError:
    usual = "give [n, height, width], [n, height, width, channels] or [n, channels, height, width], 1 or 3 channels"
    return ImagesError(f"The array {member} in {member.file} {fault}; {remedy or usual}.")
