"""What a dataset says about itself before it is loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Int, UInt8
from torch import Tensor

from mipp_core.data.normalisation import Normalisation
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


Loader = Callable[[Path | None, Report], tuple[RawSplit, RawSplit]]
"""Takes the data folder (None = the default one) and a progress receiver; returns train and test images."""


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
        download: what must be downloaded at first use, in words; None when the images come with the package.
        normalisation: how pixels in [0, 1] become network inputs.
        load: reads the images, downloading them first where they are missing; raises ``DataError``.
    """

    name: str
    description: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train_size: int
    test_size: int
    download: str | None
    normalisation: Normalisation
    load: Loader
