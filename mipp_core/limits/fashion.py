"""Noisy images at 99% sparsity: how well pruned networks fit them when trained (No Free Prune, arXiv 2402.01089).

Gaussian noise of variance 3 is added once to every training image.  A network of two hidden layers of 200 is pruned to
99% of its weights by each pruner and trained from its initial weights; what counts is the accuracy on the training
images themselves.

Our choice, because it is left open to us: pixels have mean 0 and variance 1 over all training images before the noise
comes (with 10,000 images and pixels in [0, 1], no pruner reached 40%; IMP was not tried), Adam at 1e-3 with 64 images
per step, 5 epochs for every training, and 1,000 images for the scores of SNIP and GraSP.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, pstdev
from time import perf_counter
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from mipp_core.data import Dataset, load_dataset
from mipp_core.limits.mlp_masks import MASKS, Task, kept_at, known, swept, trainings
from mipp_core.limits.mlp_training import Points, Trainer, Training, cross_entropy, known_range
from mipp_core.limits.mlps import Mlps, answers, drawn, stream
from mipp_core.training import one_thread
from mipp_core.vocabulary import Report, silent

PUBLISHED: Mapping[str, float] = MappingProxyType(
    {"imp": 0.66, "magnitude-after": 0.62, "snip": 0.48, "random": 0.48, "synflow": 0.48, "grasp": 0.21}
)
"""Training accuracies at a sparsity of 99%, read from the paper's figure."""

CHUNK = 2000
"""Images whose accuracy is found at once."""


@dataclass(frozen=True)
class Fashion:
    """How fitting noisy images is measured.

    Attributes:
        seeds: networks, 1 to 1000; the noise is the same for all.
        dataset: a key of ``mipp_core.data.DATASETS``; ``mnist-sample`` is embedded.
        images: of the training split, the first ones; 0 for all.
        scored: images, the first ones, that pruners at initialisation look at, 1 or more.
        variance: of the noise, where pixels have variance 1, 0 to 1000.
        width: of both hidden layers, 1 to 2000.
        epochs: over all images.
        rate: of Adam.
        batch: images per step.
        sparsities: shares of the weights that are gone, 0 or more and less than 1; biases stay.
        pruners: of ``MASKS``.

    Raises:
        SettingError: a value is out of range.
        UnknownNameError: there is no such pruner.
    """

    seeds: int = 10
    dataset: str = "fashion-mnist"
    images: int = 0
    scored: int = 1000
    variance: float = 3.0
    width: int = 200
    epochs: int = 5
    rate: float = 1e-3
    batch: int = 64
    sparsities: tuple[float, ...] = (0.99,)
    pruners: tuple[str, ...] = tuple(MASKS)

    def __post_init__(self) -> None:
        known_range(self.seeds, "seeds", 1, 1000)
        known_range(self.images, "images", 0, 10_000_000)
        known_range(self.scored, "scored images", 1, 100_000)
        known_range(self.variance, "variance of the noise", 0, 1000)
        known_range(self.width, "units per layer", 1, 2000)
        for sparsity in self.sparsities:
            kept_at(sparsity, 1)
        known(self.pruners)
        self.training  # noqa: B018

    @property
    def training(self) -> Training:
        """How networks are trained."""
        return Training(self.epochs, self.rate, batch=self.batch)


SMALL = Fashion(seeds=2, dataset="mnist-sample", epochs=10, width=100, images=2000, sparsities=(0.97,), rate=3e-3)
FULL = Fashion()


def noisy(data: Dataset, how: Fashion, device: torch.device | str = "cpu") -> Points:
    """Return the training images, flat and with noise, once for all seeds, and their classes."""
    split = data.train.fixed(how.images or len(data.train))
    flat = split.images.flatten(1)
    noise = torch.randn(flat.shape, generator=stream(0, "data")) * sqrt(how.variance)
    inputs = ((flat - flat.mean()) / flat.std() + noise).to(device)
    labels = split.labels.to(device)
    return Points(inputs.expand(how.seeds, -1, -1), labels.expand(how.seeds, -1), tuple(range(how.seeds)))


def measure(
    how: Fashion, report: Report = silent, device: torch.device | str = "cpu", data_dir: Path | None = None
) -> dict[str, Any]:
    """Prune and train by each pruner, and measure the accuracy on the training images.

    Args:
        how: the setting, ``SMALL`` or ``FULL`` for instance.
        report: called after every epoch; may raise ``CancelledError``.
        device: that networks are trained on.
        data_dir: the folder of data sets; by default the usual one.

    Returns:
        Plain JSON.  ``rows`` has one entry per pruner and sparsity: ``pruner``, ``sparsity``, ``kept`` weights,
        ``accuracy`` in [0, 1], on average over seeds, its standard deviation ``spread``, and ``each`` seed's.  Besides:
        ``study``, ``setting``, ``images``, ``weights`` of a network, ``dense`` (mean accuracy), ``published``,
        ``seconds``, ``device``.

    Raises:
        UnknownNameError: there is no data set of that name.
        DataError: it is missing, damaged, or cannot be downloaded.
    """
    began = perf_counter()
    data = load_dataset(how.dataset, data_dir=data_dir, report=report)
    with one_thread():
        points = noisy(data, how, device)
        sizes = points.inputs.shape[2], how.width, how.width, len(data.classes)
        start = drawn(sizes, range(how.seeds), device)
        train = Trainer(start, points, how.training, cross_entropy, report, trainings(how.pruners, how.sparsities))
        seen = Points(points.inputs[:, : how.scored], points.wanted[:, : how.scored], points.seeds)
        task = Task(train(None, "dense networks"), train, seen)
        rows = swept(task, how.pruners, how.sparsities, lambda _, __, keep, words: _found(train(keep, words), points))
        dense = fmean(accuracies(task.dense, points))
    return {
        "study": "fashion",
        "setting": asdict(how),
        "images": points.wanted.shape[1],
        "weights": start.prunable,
        "dense": dense,
        "rows": rows,
        "published": {"sparsity": 0.99, "accuracy": dict(PUBLISHED)},
        "seconds": perf_counter() - began,
        "device": str(device),
    }


def _found(networks: Mlps, points: Points) -> dict[str, Any]:
    each = accuracies(networks, points)
    return {"accuracy": fmean(each), "spread": pstdev(each), "each": each}


@torch.no_grad()
def accuracies(networks: Mlps, points: Points) -> list[float]:
    """Return each network's share of points whose class it says, in [0, 1]."""
    right: Tensor = torch.zeros(len(networks), device=points.wanted.device)
    for inputs, wanted in zip(points.inputs.split(CHUNK, 1), points.wanted.split(CHUNK, 1), strict=True):
        right = right + (answers(networks, inputs).argmax(2) == wanted).sum(1)
    return (right.double() / points.wanted.shape[1]).tolist()
