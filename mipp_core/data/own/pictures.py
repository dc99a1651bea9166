"""Picture files of any kind as pictures of one kind: eight bits, grey or RGB, upright, without transparency."""

from dataclasses import dataclass

import numpy
from PIL import Image, ImageOps

from mipp_core.data.decoding import random_part
from mipp_core.errors import DataError, ImagesError

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".pbm", ".pnm"}
)
"""Ends of the names of picture files, in small letters."""

_WORDS = 257
"""A level of sixteen bits over one of eight: 65535 is as white as 255."""

_MOST_PIXELS = 89_000_000
"""Of one picture; Pillow warns of a larger one."""

_GREY = ("1", "L")
_SWAPPED = range(5, 9)
"""Values of EXIF's orientation under which a picture lies on its side."""

_ORIENTATION = 274


@dataclass(frozen=True)
class Frame:
    """What is shown of pictures of any size.

    Attributes:
        height: in pixels.
        width: in pixels.
        channels: 1 for grey, 3 for RGB.
        crop: cut the middle out of a picture of another shape; False stretches it.
    """

    height: int
    width: int
    channels: int
    crop: bool = True

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of every image."""
        return self.channels, self.height, self.width

    def opened(self, path: str) -> Image.Image:
        """Decode a file, in grey or in colour.

        Raises:
            OSError, ValueError: it cannot be decoded.
        """
        return decoded(path).convert("L" if self.channels == 1 else "RGB")

    def middle(self, picture: Image.Image) -> Image.Image:
        """Return the largest middle part of the frame's shape, or the whole, resized to the frame."""
        if picture.size == (self.width, self.height):
            return picture
        box = self._middle_box(picture) if self.crop else None
        return picture.resize((self.width, self.height), Image.Resampling.BILINEAR, box)

    def part(self, picture: Image.Image, seed: int) -> Image.Image:
        """Return a random part, resized to the frame: the same for the same seed, in any process."""
        return random_part(picture, seed, self.height, self.width)

    def wrong(self, fault: str) -> DataError:
        """Return the error that says which file is at fault, and what to do."""
        return ImagesError(f"The image {fault}; put an intact copy there, or remove it.")

    def _middle_box(self, picture: Image.Image) -> tuple[float, float, float, float]:
        across, down = picture.size
        scale = min(across / self.width, down / self.height)
        left, top = (across - scale * self.width) / 2, (down - scale * self.height) / 2
        return left, top, across - left, down - top


def size_on_screen(path: str) -> tuple[int, int]:
    """Return a picture's height and width as it is shown; only its head is read.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    with _opened(path) as picture:
        width, height = picture.size
        on_its_side = picture.getexif().get(_ORIENTATION) in _SWAPPED
    return (width, height) if on_its_side else (height, width)


def decoded(path: str) -> Image.Image:
    """Return a file's first picture: mode L or RGB, turned as its EXIF says, transparent parts white.

    Raises:
        OSError, ValueError: it cannot be decoded.
    """
    with _opened(path) as picture:
        picture.load()
        return _eight_bits(ImageOps.exif_transpose(picture))


def _opened(path: str) -> Image.Image:
    """Read a file's head, and refuse one that says it is too large to be meant."""
    picture = Image.open(path)
    if picture.width * picture.height > _MOST_PIXELS:
        picture.close()
        raise ValueError(f"it has {picture.width}×{picture.height} pixels, more than {_MOST_PIXELS:,}")
    return picture


def is_grey(picture: Image.Image) -> bool:
    """Tell whether a picture of mode L or RGB has no colour."""
    if picture.mode == "L":
        return True
    levels = numpy.asarray(picture)
    return bool((levels == levels[..., :1]).all())


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return _from_words(numpy.asarray(picture))
    if picture.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits")
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")
    return picture.convert("L" if picture.mode in _GREY else "RGB")


def _from_words(levels: numpy.ndarray) -> Image.Image:
    if levels.min() < 0 or levels.max() > 65535:
        raise ValueError(f"its levels go from {levels.min()} to {levels.max()}; save it with 8 or 16 bits")
    return Image.fromarray(((levels.astype(numpy.int64) + _WORDS // 2) // _WORDS).astype(numpy.uint8))
