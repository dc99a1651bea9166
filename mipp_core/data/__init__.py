"""Datasets: a dictionary of them, and a function that loads one."""

from pathlib import Path

import torch

from mipp_core.augmentation import Augmentation
from mipp_core.data import cifar10, cifar100, fashion_mnist, imagenet, mnist, mnist_sample, tiny_imagenet
from mipp_core.data.card import DatasetCard, RawSplit, Stored
from mipp_core.data.dataset import Dataset, Samples, Split
from mipp_core.data.deformations import Deformation
from mipp_core.data.normalisation import Normalisation, given_normalisation
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
    "Samples",
    "Split",
    "load_dataset",
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
        name: a key of ``DATASETS``.
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
    if name not in DATASETS:
        raise UnknownNameError("dataset", name, DATASETS)
    card = DATASETS[name]
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
    return Dataset(card.name, card.classes, train, test, applied)


def _prepared(stored: Stored, preparation: Preparation) -> Samples:
    if isinstance(stored, RawSplit):
        return Split(preparation.apply(stored.images), stored.labels)
    return FileSplit(stored.paths, stored.labels, torch.arange(len(stored.labels)), stored.crop, preparation)
