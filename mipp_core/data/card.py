"""What is known about a dataset before it is loaded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Int, UInt8
from torch import Tensor

from mipp_core.data.decoding import Framing
from mipp_core.data.normalisation import Normalisation
from mipp_core.data.own.levels import Levels
from mipp_core.data.own.npz import Array
from mipp_core.recipes import Recommended
from mipp_core.vocabulary import Report


@dataclass(frozen=True)
class RawSplit:
    """Labelled images as they are stored.

    Attributes:
        images: grey levels in 0..255, shape [n, channels, height, width].
        labels: class indices, shape [n].
    """

    images: UInt8[Tensor, "n c h w"]
    labels: Int[Tensor, " n"]


@dataclass(frozen=True)
class ListedSplit:
    """Labelled image files, none of them opened yet.

    Attributes:
        paths: of the files.
        labels: class indices, shape [n].
        crop: what is shown of each picture.
    """

    paths: tuple[str, ...]
    labels: Int[Tensor, " n"]
    crop: Framing


@dataclass(frozen=True)
class MappedSplit:
    """Labelled images in one file, none of them read yet.

    Attributes:
        array: as it lies on the disk.
        levels: how it becomes grey levels.
        rows: of the array, shape [n].
        labels: class indices, shape [n].
    """

    array: Array
    levels: Levels
    rows: Int[Tensor, " n"]
    labels: Int[Tensor, " n"]


Stored = RawSplit | ListedSplit | MappedSplit
"""One half of a dataset, before it is prepared."""

Loader = Callable[[Path | None, Report], tuple[Stored, Stored]]
"""Takes the data folder (None = the default one) and a progress receiver; returns the train and test images."""


@dataclass(frozen=True)
class DatasetCard:
    """One entry of ``DATASETS``.

    Attributes:
        name: the registry name.
        description: one line for a menu.
        classes: class names, in label order.
        image_shape: channels, height, width.
        train_size: number of training images.
        test_size: number of test images.
        download: what is downloaded at first use, in words; None if nothing is: the images come with the package, or
            must already be in the data folder.
        normalisation: how pixels in [0, 1] become network inputs.
        load: reads the images, or lists their files; downloads missing ones if allowed; raises ``DataError``.
        recipes: how networks are trained on it; not every data set may be flipped or cropped.
        licence: the terms under which the images may be used, in words.
        source: where they come from; for images that are not downloaded, also where to put them.
        is_embedded: the images come with the package.
        revision: raised when the images or their preparation change.
    """

    name: str
    description: str
    classes: Sequence[str]
    image_shape: tuple[int, int, int]
    train_size: int
    test_size: int
    download: str | None
    normalisation: Normalisation
    load: Loader
    recipes: Recommended
    licence: str = ""
    source: str = ""
    is_embedded: bool = False
    revision: int = 1

    @property
    def obtained(self) -> str:
        """Where the images come from when they are first needed, in words."""
        if self.is_embedded:
            return "comes with the package"
        return f"downloads {self.download}" if self.download else "must be in the data folder"
