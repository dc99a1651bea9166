"""Datasets: a dictionary of them, and a function that loads one."""

from pathlib import Path
from typing import Any

import torch

from mipp_core.augmentation import Augmentation
from mipp_core.data import cifar10, cifar100, fashion_mnist, imagenet, mnist, mnist_sample, tiny_imagenet
from mipp_core.data.card import DatasetCard, ListedSplit, RawSplit, Stored
from mipp_core.data.dataset import Dataset, Samples, Split
from mipp_core.data.deformations import Deformation
from mipp_core.data.folder import data_folder
from mipp_core.data.normalisation import Normalisation, given_normalisation
from mipp_core.data.own.below import found_below
from mipp_core.data.own.known import OwnImages, names_images, own_card, own_images
from mipp_core.data.own.naming import FOLDER, is_own, shown
from mipp_core.data.own.options import Options, size_of
from mipp_core.data.own.streamed_array import StreamedArray
from mipp_core.data.preparation import Preparation
from mipp_core.data.streamed import FileSplit
from mipp_core.errors import UnknownNameError
from mipp_core.vocabulary import Progress, Report, silent

__all__ = [
    "DATASETS",
    "Augmentation",
    "Dataset",
    "DatasetCard",
    "Deformation",
    "FileSplit",
    "Normalisation",
    "Options",
    "OwnImages",
    "Samples",
    "Split",
    "card_of",
    "folder",
    "is_own",
    "load_dataset",
    "names_images",
    "npz",
    "own_below",
    "own_images",
    "own_in",
    "shown",
    "size_of",
]

DATASETS: dict[str, DatasetCard] = {
    "mnist-sample": mnist_sample.CARD,
    "mnist": mnist.CARD,
    "fashion-mnist": fashion_mnist.CARD,
    "cifar10": cifar10.CARD,
    "cifar100": cifar100.CARD,
    "tiny-imagenet": tiny_imagenet.CARD,
    "imagenet": imagenet.CARD,
}
"""Every dataset by name.  To add one, write a file with a ``CARD`` and add a line here."""

_FOLDERS = frozenset({imagenet.FAMILY.folder, tiny_imagenet.FAMILY.folder})
"""Folders of pictures in the data folder that are not of a user's own."""


def card_of(name: str) -> DatasetCard:
    """Look a dataset up by name: a key of ``DATASETS``, or the name of images of a user's own.

    Raises:
        UnknownNameError: lists the known names.
    """
    found = DATASETS.get(name) or own_card(name)
    if found is None:
        raise UnknownNameError("dataset", name, [*DATASETS, "folder:PATH", "FILE.npz"])
    return found


def folder(path: Path | str, **options: Any) -> OwnImages:
    """Look at a folder of pictures of your own; its ``card.name`` names it in a specification.

    Args:
        path: with a folder per class, or with train and test (or val) folders of such.
        options: see ``Options``, such as ``size=(64, 64)``.

    Raises:
        ImagesError: there are no pictures, or they cannot be used as they are.
        SettingError: an option is out of range, or does not fit them.
    """
    return own_images(f"folder:{path}", Options(**options))


def npz(path: Path | str, **options: Any) -> OwnImages:
    """Look at a ``.npz`` file of images and labels of your own; its ``card.name`` names it in a specification.

    Args:
        path: of the file.
        options: see ``Options``, such as ``test_share=0.3``.

    Raises:
        ImagesError: there are no images, or they cannot be used as they are.
        SettingError: an option is out of range, or does not fit them.
    """
    return own_images(str(path), Options(**options))


def own_below(data_dir: Path | None = None) -> list[str]:
    """Return the images of a user's own that are in the data folder, as folder:PATH and FILE.npz, paths inside it.

    Args:
        data_dir: the data folder; by default the usual one.
    """
    return found_below(data_folder(data_dir), _FOLDERS)


def own_in(text: str, data_dir: Path | None = None) -> OwnImages:
    """Look at images of a user's own in the data folder, and at nothing outside of it.

    Args:
        text: one of those that ``own_below`` returns.
        data_dir: the data folder; by default the usual one.

    Raises:
        UnknownNameError: it is none of them.
        ImagesError: the images cannot be used as they are, or a link leads out of the data folder.
    """
    root = data_folder(data_dir)
    offered = own_below(data_dir)
    if text not in offered:
        raise UnknownNameError("dataset", text, [*DATASETS, *offered])
    prefix = FOLDER if text.startswith(FOLDER) else ""
    return own_images(f"{prefix}{root.resolve() / text.removeprefix(prefix)}", within=root)


def load_dataset(
    name: str,
    *,
    data_dir: Path | None = None,
    deformation: Deformation | None = None,
    normalisation: Normalisation | None = None,
    report: Report = silent,
) -> Dataset:
    """Load a dataset into memory, or list its files if it is too large; download it at first use if that is allowed.

    Args:
        name: a key of ``DATASETS``, the name of images of a user's own, or where they are: folder:PATH or FILE.npz.
        data_dir: the folder for downloads; by default the one in the environment variable ``MIPP_DATA``, or else a
            per-user cache folder.
        deformation: what to do to the images before they are normalised; None for nothing.
        normalisation: in place of the dataset's own, for weights that were trained with other statistics.
        report: receives progress; an exception from it stops the loading.

    Returns:
        Both splits, on the CPU: in memory as float32 images [n, channels, height, width], normalised, and int64 labels
        [n]; or as files that are read in batches of the same form.

    Raises:
        UnknownNameError: there is no dataset of that name.
        SettingError: the normalisation does not have one number above 0 per channel.
        DataError: the images are missing, damaged, or cannot be downloaded or written.
    """
    card = own_images(name).card if names_images(name) else card_of(name)
    name = shown(card.name)
    if normalisation is not None:
        given_normalisation(normalisation.mean, normalisation.std, card.image_shape[0])
    applied = normalisation or card.normalisation
    report(Progress(f"reading {name}", 0.0))
    raw_train, raw_test = card.load(data_dir, report)
    report(Progress(f"preparing {name}", 0.0))
    train = _prepared(raw_train, Preparation(applied, deformation, "train"))
    report(Progress(f"preparing {name}", card.train_size / (card.train_size + card.test_size)))
    test = _prepared(raw_test, Preparation(applied, deformation, "test"))
    report(Progress(f"preparing {name}", 1.0))
    return Dataset(card.name, tuple(card.classes), train, test, applied)


def _prepared(stored: Stored, preparation: Preparation) -> Samples:
    if isinstance(stored, RawSplit):
        return Split(preparation.apply(stored.images), stored.labels)
    positions = torch.arange(len(stored.labels))
    if isinstance(stored, ListedSplit):
        return FileSplit(stored.paths, stored.labels, positions, stored.crop, preparation)
    return StreamedArray(stored.array, stored.levels, stored.rows, stored.labels, positions, preparation)
