"""Reads one image file: decodes it and cuts out what a network is shown."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import UInt8
from PIL.Image import Image
from torch import Tensor
from torch.utils.data import Dataset

from mipp_core.data.download import reason
from mipp_core.errors import DataError

_AREA = (0.08, 1.0)
"""Share of the picture's area that a random crop covers (Szegedy et al., arXiv 1409.4842, section 6)."""

_ASPECT = (3 / 4, 4 / 3)
"""Width over height of a random crop (the same)."""


@runtime_checkable
class Framing(Protocol):
    """How picture files of any size become images of one shape."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of every image."""

    def opened(self, path: str) -> Image:
        """Decode a file."""

    def middle(self, picture: Image) -> Image:
        """Return what is shown of a picture."""

    def part(self, picture: Image, seed: int) -> Image:
        """Return a random part in its place: the same for the same seed, in any process."""

    def wrong(self, fault: str) -> DataError:
        """Return the error that says which file is at fault, and what to do."""


@dataclass(frozen=True)
class Crop:
    """The square that is cut out of a picture of any size.

    Attributes:
        shorter: the picture's shorter side is first made this long, in pixels.
        side: of the square, in pixels, at most ``shorter``.
    """

    shorter: int
    side: int

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of every image."""
        return 3, self.side, self.side

    def opened(self, path: str) -> Image:
        """Decode a file, in colour."""
        from torchvision.datasets.folder import default_loader  # functions import torchvision: it costs a second

        return default_loader(path)

    def middle(self, picture: Image) -> Image:
        """Return the middle of the resized picture."""
        from torchvision.transforms import functional as transforms

        return transforms.center_crop(transforms.resize(picture, self.shorter), self.side)

    def part(self, picture: Image, seed: int) -> Image:
        """Return a random part, resized to the square: the same for the same seed, in any process."""
        return random_part(picture, seed, self.side, self.side)

    def wrong(self, fault: str) -> DataError:
        """Return the error that says which file is at fault, and what to do."""
        return DataError(f"The image {fault}; put an intact copy there, or use the embedded mnist-sample.")


def random_part(picture: Image, seed: int, height: int, width: int) -> Image:
    """Return a random part of a picture, resized to ``height`` and ``width`` pixels: the same for the same seed."""
    from torchvision.transforms import RandomResizedCrop
    from torchvision.transforms import functional as transforms

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        top, left, rows, columns = RandomResizedCrop.get_params(picture, _AREA, _ASPECT)
    return transforms.resized_crop(picture, top, left, rows, columns, [height, width])


@dataclass(frozen=True)
class Decoder(Dataset[UInt8[Tensor, "c h w"] | str]):
    """Image files by their place in a list.

    Attributes:
        paths: of the files.
        crop: what is cut out of each.
        seeds: one per file, for its random part; None for the middle of each.
    """

    paths: tuple[str, ...]
    crop: Framing
    seeds: tuple[int, ...] | None = None

    def __getitem__(self, place: int) -> UInt8[Tensor, "c h w"] | str:
        """Return grey levels, or why the file cannot be read: an exception would reach the main process as text."""
        from torchvision.transforms import functional as transforms

        try:
            return transforms.pil_to_tensor(self._shown(self.crop.opened(self.paths[place]), place))
        except Exception as error:  # a damaged file can raise almost any exception
            return f"{self.paths[place]} cannot be read ({reason(error)})"

    def _shown(self, picture: Image, place: int) -> Image:
        if self.seeds is None:
            return self.crop.middle(picture)
        return self.crop.part(picture, self.seeds[place])


def gathered(images: list[UInt8[Tensor, "c h w"] | str]) -> UInt8[Tensor, "n c h w"] | str:
    """Return the images as one tensor, or the first fault among them."""
    faults = [image for image in images if isinstance(image, str)]
    decoded = [image for image in images if not isinstance(image, str)]
    return faults[0] if faults else torch.stack(decoded)
