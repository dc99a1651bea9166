"""Datasets: one literal dictionary, and one call that loads an entry of it."""

from pathlib import Path

from mipp_core.data import fashion_mnist, mnist, mnist_sample
from mipp_core.data.card import DatasetCard, RawSplit
from mipp_core.data.dataset import Dataset, Split
from mipp_core.data.deformations import Deformation, SplitName
from mipp_core.data.normalisation import Normalisation
from mipp_core.errors import UnknownNameError
from mipp_core.vocabulary import Progress, Report, silent

__all__ = ["DATASETS", "Dataset", "DatasetCard", "Deformation", "Normalisation", "Split", "load_dataset"]

DATASETS: dict[str, DatasetCard] = {
    "mnist-sample": mnist_sample.CARD,
    "mnist": mnist.CARD,
    "fashion-mnist": fashion_mnist.CARD,
}
"""Every dataset by name.  A new one is a file with a ``CARD`` and a line here."""


def load_dataset(
    name: str,
    *,
    data_dir: Path | None = None,
    deformation: Deformation | None = None,
    report: Report = silent,
) -> Dataset:
    """Load a dataset into memory, downloading it at first use.

    Args:
        name: a key of ``DATASETS``.
        data_dir: the folder for downloads; by default the one in the environment variable ``MIPP_DATA``, else
            a per-user cache folder.
        deformation: what to do to the images before they are normalised; None for nothing.
        report: receives progress; what it raises stops the loading.

    Returns:
        Both splits, normalised: float32 images [n, channels, height, width] and int64 labels [n], on the CPU.

    Raises:
        UnknownNameError: there is no dataset of that name.
        DataError: the images are missing, damaged, or cannot be downloaded or written.
    """
    if name not in DATASETS:
        raise UnknownNameError("dataset", name, DATASETS)
    card = DATASETS[name]
    report(Progress(f"reading {name}", 0.0))
    raw_train, raw_test = card.load(data_dir, report)
    report(Progress(f"preparing {name}", 0.0))
    train = _prepare(raw_train, card.normalisation, deformation, "train")
    report(Progress(f"preparing {name}", card.train_size / (card.train_size + card.test_size)))
    test = _prepare(raw_test, card.normalisation, deformation, "test")
    report(Progress(f"preparing {name}", 1.0))
    return Dataset(card.name, card.classes, train, test, card.normalisation)


def _prepare(raw: RawSplit, normalisation: Normalisation, deformation: Deformation | None, split: SplitName) -> Split:
    pixels = raw.images.float() / 255.0
    if deformation is not None:
        pixels = deformation.apply(pixels, split)
    return Split(normalisation.apply(pixels), raw.labels)
