"""A class-balanced part of MNIST that comes with the package, so that everything works offline.

8,000 training and 2,000 test images: for each class, images evenly spaced over all of that class's images in
file order (see ``make_sample``), kept in file order so that the classes stay interleaved.  The first images alone
would not be representative: the second half of the MNIST test set was written by high-school students and is harder
than the first half, written by Census Bureau employees; a test on the first half alone flatters every network.
"""

import lzma
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from mipp_core.data.card import DatasetCard, RawSplit
from mipp_core.data.normalisation import Normalisation
from mipp_core.errors import DataError
from mipp_core.recipes import Recommended
from mipp_core.vocabulary import Report

ASSET = Path(__file__).parent / "assets" / "mnist-sample.safetensors.xz"
"""Uint8: train_images [8000, 28, 28], train_labels [8000], test_images [2000, 28, 28], test_labels [2000]."""

TRAIN_PER_CLASS = 800
"""Training images of each class."""

TEST_PER_CLASS = 200
"""Test images of each class."""

CLASSES = tuple("0123456789")


def load(data_dir: Path | None, report: Report) -> tuple[RawSplit, RawSplit]:
    """Return the training and test splits; the data folder is not used and nothing needs reporting.

    Raises:
        DataError: the embedded file is missing or damaged.
    """
    try:
        tensors = safetensors.torch.load(lzma.decompress(ASSET.read_bytes()))
        return _split(tensors, "train"), _split(tensors, "test")
    except (OSError, EOFError, KeyError, lzma.LZMAError, SafetensorError) as error:
        raise DataError(
            f"The embedded file {ASSET} is missing or damaged ({type(error).__name__}); install mipp again."
        ) from error


def _split(tensors: Mapping[str, Tensor], part: str) -> RawSplit:
    return RawSplit(tensors[f"{part}_images"].unsqueeze(1), tensors[f"{part}_labels"].long())


CARD = DatasetCard(
    name="mnist-sample",
    description="Handwritten digits, 10,000 images of MNIST that come with the package.",
    classes=CLASSES,
    image_shape=(1, 28, 28),
    train_size=TRAIN_PER_CLASS * len(CLASSES),
    test_size=TEST_PER_CLASS * len(CLASSES),
    download=None,
    is_embedded=True,
    normalisation=Normalisation(mean=(0.0,), std=(1.0,)),
    load=load,
    recipes=Recommended(live="live", paper="paper-mnist"),
    licence="CC BY-SA 3.0",
    source="the package; a part of mnist",
)
