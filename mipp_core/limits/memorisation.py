"""How much pruned networks can memorise: random labels of Gaussian points (No Free Prune, arXiv 2402.01089).

A network of two hidden layers is pruned to some sparsity and trained from its initial weights on 30 Gaussian points in
30 dimensions, whose labels are drawn by chance.  It has memorised them if its loss is below log(2) / 10 in the end.

The paper's rate is 1e-2.  What it leaves open to us is our choice, the same for all pruners: hidden layers of 50, the
logistic loss, Adam, 100 steps on all points.  Of some twenty settings that were tried (32 to 200 units, Adam and plain
gradient descent, 50 to 3000 steps) it is among the nearest to the published shares at 96%, IMP 1.0, SynFlow 0.95, SNIP
and GraSP 0.57, random 0.05.  None gave all of them: with 250 seeds SynFlow, GraSP and random masks stay below, at 0.85,
0.34 and 0; with more steps SynFlow and GraSP come up, and SNIP goes far above.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import log, sqrt
from time import perf_counter
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from mipp_core.limits.mlp_masks import MASKS, Task, kept_at, known, swept, trainings
from mipp_core.limits.mlp_training import Points, Trainer, Training, known_range, logistic
from mipp_core.limits.mlps import Mlps, answers, drawn, stream
from mipp_core.training import one_thread
from mipp_core.vocabulary import Report, silent

MEMORISED = log(2) / 10
"""The loss, in nats, below which the labels are memorised: a tenth of that of a network that knows nothing."""

PUBLISHED: Mapping[str, float] = MappingProxyType(
    {"imp": 1.0, "synflow": 0.95, "snip": 0.57, "grasp": 0.57, "random": 0.05}
)
"""Shares that memorise at a sparsity of 96%, read from the paper's figure."""


@dataclass(frozen=True)
class Memorisation:
    """How memorising is measured.

    Attributes:
        seeds: networks, each with its own points and labels, 1 to 1000.
        points: to memorise, 1 to 1000.
        features: of a point, 1 to 1000.
        width: of both hidden layers, 1 to 1000.
        epochs: steps on all points.
        rate: of learning.
        sparsities: shares of the weights that are gone, 0 or more and less than 1; biases stay.
        pruners: of ``MASKS``.

    Raises:
        SettingError: a value is out of range.
        UnknownNameError: there is no such pruner.
    """

    seeds: int = 250
    points: int = 30
    features: int = 30
    width: int = 50
    epochs: int = 100
    rate: float = 1e-2
    sparsities: tuple[float, ...] = (0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)
    pruners: tuple[str, ...] = tuple(MASKS)

    def __post_init__(self) -> None:
        for what in ("seeds", "points", "features", "width"):
            known_range(getattr(self, what), what, 1, 1000)
        for sparsity in self.sparsities:
            kept_at(sparsity, 1)
        known(self.pruners)
        self.training  # noqa: B018

    @property
    def training(self) -> Training:
        """How networks are trained."""
        return Training(self.epochs, self.rate)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the input, the hidden layers and the output."""
        return self.features, self.width, self.width, 1


SMALL = Memorisation(seeds=30, sparsities=(0.9, 0.94, 0.96, 0.98, 0.99))
FULL = Memorisation()


def random_points(how: Memorisation, device: torch.device | str = "cpu") -> Points:
    """Draw each seed's points and their labels, -1 or 1."""
    generators = [stream(seed, "data") for seed in range(how.seeds)]
    inputs = torch.stack([torch.randn(how.points, how.features, generator=each) for each in generators])
    labels = torch.stack([2.0 * torch.randint(2, (how.points,), generator=each) - 1 for each in generators])
    return Points(inputs.to(device), labels.to(device), tuple(range(how.seeds)))


def measure(how: Memorisation, report: Report = silent, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Prune and train at every sparsity, and count who memorises.

    Args:
        how: the setting, ``SMALL`` or ``FULL`` for instance.
        report: called after every epoch; may raise ``CancelledError``.
        device: that networks are trained on.

    Returns:
        Plain JSON.  ``rows`` has one entry per pruner and sparsity: ``pruner``, ``sparsity``, ``kept`` weights, the
        share ``memorised`` of the seeds, its standard error ``spread``, the mean ``loss`` in nats.  Besides: ``study``,
        ``setting``, ``weights`` of a network, ``dense`` (the share of dense networks that memorise), ``published``,
        ``seconds``, ``device``.
    """
    began = perf_counter()
    with one_thread():  # steps are so short that several would wait for each other
        points, start = random_points(how, device), drawn(how.sizes, range(how.seeds), device)
        train = Trainer(start, points, how.training, logistic, report, trainings(how.pruners, how.sparsities))
        task = Task(train(None, "dense networks"), train, points)
        rows = swept(task, how.pruners, how.sparsities, lambda _, __, keep, words: _found(train(keep, words), points))
        dense = (_losses(task.dense, points) < MEMORISED).double().mean().item()
    return {
        "study": "memorisation",
        "setting": asdict(how),
        "weights": start.prunable,
        "dense": dense,
        "rows": rows,
        "published": {"sparsity": 0.96, "memorised": dict(PUBLISHED)},
        "seconds": perf_counter() - began,
        "device": str(device),
    }


def _found(networks: Mlps, points: Points) -> dict[str, Any]:
    losses = _losses(networks, points)
    share = (losses < MEMORISED).double().mean().item()
    return {"memorised": share, "spread": sqrt(share * (1 - share) / len(networks)), "loss": losses.mean().item()}


def _losses(networks: Mlps, points: Points) -> Tensor:
    return logistic(answers(networks, points.inputs), points.wanted)
