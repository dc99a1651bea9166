"""Datasets that are folders of image files, one folder per class; listed by torchvision, opened only when needed.

They are never downloaded.  A folder must hold exactly the published number of images: an interrupted unpacking would
look like a smaller dataset and give other results without a warning.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from mipp_core.data.card import ListedSplit
from mipp_core.data.decoding import Crop
from mipp_core.data.download import reason
from mipp_core.data.folder import data_folder
from mipp_core.errors import DataError
from mipp_core.vocabulary import Report

Listing = tuple[list[str], list[tuple[str, int]]]
"""Class folders in label order, and images as pairs of path and label."""


@dataclass(frozen=True)
class FolderFamily:
    """One dataset of the family.

    Attributes:
        name: the registry name.
        folder: its name in the data folder; it contains ``train`` and ``val``.
        classes: number of classes.
        train_size: number of training images.
        test_size: number of validation images, used as test images because the test set has no labels.
        crop: the square that is cut out of each picture.
        obtain: how to get it, in words.
    """

    name: str
    folder: str
    classes: int
    train_size: int
    test_size: int
    crop: Crop
    obtain: str

    def load(self, data_dir: Path | None, report: Report) -> tuple[ListedSplit, ListedSplit]:
        """List the training and test images; no file is opened, and nothing needs reporting.

        Raises:
            DataError: the folder is missing or cannot be listed, or holds too few or too many classes or images.
        """
        root = data_folder(data_dir) / self.folder
        classes, train = self._list(root, "train", lambda: listed(root / "train"))
        found, test = self._list(root, "val", lambda: self.listed_test(root / "val", classes))
        if found != classes:
            other = min(set(found) ^ set(classes))
            raise self._wrong(root, f"has the class {other!r} in only one of train and val")
        return self._split(root, "train", train, self.train_size), self._split(root, "val", test, self.test_size)

    def listed_test(self, folder: Path, classes: list[str]) -> Listing:
        """List the test images; ``classes`` are the class folders of the training images."""
        return listed(folder)

    def _list(self, root: Path, part: str, listing: Callable[[], Listing]) -> Listing:
        if not self._is_there(root / part):
            raise DataError(
                f"{self.name} needs the folder {root / part}, which is missing and cannot be downloaded automatically: "
                f"{self.obtain}; or use the embedded mnist-sample."
            )
        try:
            found = listing()
        except (OSError, ValueError) as error:
            raise self._wrong(root, f"cannot be listed in {part} ({reason(error)})") from error
        if len(found[0]) != self.classes:
            raise self._wrong(root, f"has {len(found[0])} classes in {part} instead of {self.classes}")
        return found

    @staticmethod
    def _is_there(folder: Path) -> bool:
        try:
            return folder.is_dir()
        except (OSError, ValueError):  # name too long, no permission or a forbidden character
            return False

    def _split(self, root: Path, part: str, images: list[tuple[str, int]], size: int) -> ListedSplit:
        if len(images) != size:
            raise self._wrong(root, f"has {len(images):,} images in {part} instead of {size:,}")
        paths, labels = zip(*images, strict=True)
        return ListedSplit(paths, torch.tensor(labels), self.crop)

    def _wrong(self, root: Path, fault: str) -> DataError:
        return DataError(f"{self.name} in {root} {fault}; unpack it there again, or use the embedded mnist-sample.")


def listed(folder: Path) -> Listing:
    """List a folder of class folders, which may contain images at any depth.

    Raises:
        OSError: there is no class folder, or one without an image.
    """
    from torchvision.datasets import ImageFolder  # here: it costs a second, which only those who list should pay

    found = ImageFolder(folder)
    return found.classes, found.samples
