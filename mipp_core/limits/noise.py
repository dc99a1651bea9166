"""How a network's correlation with label noise falls and climbs while it is pruned (No Free Prune, arXiv 2402.01089).

A student of 5 hidden layers of 100 learns y = teacher(x) + z on 1,000 Gaussian points in 50 dimensions; the teacher is
a random network of 3 hidden layers of 50 and z is noise.  Every 100 epochs, the smallest fifth of the weights that are
left goes and the others are rewound to where they started.  What is followed is

    (1/n) sum_i (f(x_i) - mean f) z_i,

which is the noise's variance once the noise is fitted, so that the published climb to 1 tells that this variance is 1.
Minibatches of 100, the teacher's PyTorch initialisation and noise of variance 1 are our choice.
"""

from dataclasses import asdict, dataclass
from math import sqrt
from time import perf_counter
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.limits.mlp_masks import SHARE, best, flat, parts
from mipp_core.limits.mlp_training import Points, Trainer, Training, known_range, squared
from mipp_core.limits.mlps import Mlps, answers, drawn, stream
from mipp_core.training import one_thread
from mipp_core.vocabulary import Report, silent


@dataclass(frozen=True)
class Noise:
    """How noise is followed.

    Attributes:
        seeds: students, each with its own teacher, points and noise, 1 to 1000.
        points: 2 to 100,000.
        features: of a point, 1 to 1000.
        width: of the student's hidden layers, 1 to 2000.
        layers: hidden ones of the student, 1 to 20.
        teacher: sizes of the teacher's hidden layers.
        variance: of the noise, above 0 and up to 100.
        rounds: of training; between two of them a fifth of the weights goes, 1 to 100.
        epochs: per round, 1 or more.
        rate: of Adam.
        batch: points per step; 0 for all.
        every: how many epochs until the correlation is measured again, 1 or more.

    Raises:
        SettingError: a value is out of range.
    """

    seeds: int = 10
    points: int = 1000
    features: int = 50
    width: int = 100
    layers: int = 5
    teacher: tuple[int, ...] = (50, 50, 50)
    variance: float = 1.0
    rounds: int = 20
    epochs: int = 100
    rate: float = 1e-3
    batch: int = 100
    every: int = 5

    def __post_init__(self) -> None:
        known_range(self.seeds, "seeds", 1, 1000)
        known_range(self.points, "points", 2, 100_000)
        known_range(self.features, "features", 1, 1000)
        known_range(self.width, "units per layer", 1, 2000)
        known_range(self.layers, "hidden layers", 1, 20)
        known_range(self.variance, "variance of the noise", 1e-6, 100)
        known_range(self.rounds, "rounds", 1, 100)
        known_range(self.epochs, "epochs per round", 1, 100_000)
        known_range(self.every, "epochs between two measurements", 1, 100_000)
        self.training  # noqa: B018

    @property
    def training(self) -> Training:
        """How a round is trained."""
        return Training(self.epochs, self.rate, batch=self.batch)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the student's input, hidden layers and output."""
        return self.features, *[self.width] * self.layers, 1


SMALL = Noise(seeds=2, points=300, rounds=14, epochs=50, batch=50)
FULL = Noise()


def noisy_points(how: Noise, device: torch.device | str = "cpu") -> tuple[Points, Float[Tensor, "seeds n"]]:
    """Draw each seed's points, and what its teacher says with noise; and the noise alone."""
    seeds = range(how.seeds)
    generators = [stream(seed, "data") for seed in seeds]
    inputs = torch.stack([torch.randn(how.points, how.features, generator=each) for each in generators])
    noise = torch.stack([torch.randn(how.points, generator=each) for each in generators]) * sqrt(how.variance)
    teachers = drawn((how.features, *how.teacher, 1), seeds, purpose="teacher")
    wanted = answers(teachers, inputs).squeeze(2) + noise
    return Points(inputs.to(device), wanted.to(device), tuple(seeds)), noise.to(device)


@torch.no_grad()
def correlations(networks: Mlps, points: Points, noise: Float[Tensor, "seeds n"]) -> Float[Tensor, " seeds"]:
    """Return each network's correlation with its noise, (1/n) sum_i (f(x_i) - mean f) z_i."""
    said = answers(networks, points.inputs).squeeze(2)
    return ((said - said.mean(1, keepdim=True)) * noise).mean(1)


def measure(how: Noise, report: Report = silent, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Train, prune, rewind, and again, and follow the correlation with the noise.

    Args:
        how: the setting, ``SMALL`` or ``FULL`` for instance.
        report: called after every epoch; may raise ``CancelledError``.
        device: that networks are trained on.

    Returns:
        Plain JSON.  ``curves`` has lists of equal length: ``epoch`` from the beginning of all, ``round`` from 0 on,
        ``mean`` and ``deviation`` of the correlation over seeds; each round begins with the pruned network at its
        initial weights.  ``rows`` has one entry per round: ``round``, ``kept`` weights, ``sparsity``, ``first`` and
        ``last``, the mean correlations at its beginning and end, ``deviation`` of the last, and ``each`` seed's last.
        Besides: ``study``, ``setting``, ``weights`` of a network, ``seconds``, ``device``.
    """
    began = perf_counter()
    with one_thread():
        points, noise = noisy_points(how, device)
        start = drawn(how.sizes, range(how.seeds), device)
        train = Trainer(start, points, how.training, squared, report, how.rounds)
        keep, found = torch.ones_like(flat(start.weights), dtype=torch.bool), list[dict[str, Any]]()
        for number in range(how.rounds):
            masks = parts(keep, start)
            seen = [(number * how.epochs, correlations(start.masked(masks), points, noise))]

            def follow(epoch: int, networks: Mlps, seen: list[Any] = seen, number: int = number) -> bool:
                if (epoch + 1) % how.every == 0 or epoch + 1 == how.epochs:
                    seen.append((number * how.epochs + epoch + 1, correlations(networks, points, noise)))
                return False

            networks = train(masks, f"round {number + 1} of {how.rounds}", follow)
            found.append({"round": number, "kept": int(keep[0].sum()), "seen": seen})
            fewer = max(1, round(start.prunable * (1 - SHARE) ** (number + 1)))
            keep = best(flat(networks.weights).abs().where(keep, -1.0), fewer)
    return {
        "study": "noise",
        "setting": asdict(how),
        "weights": start.prunable,
        "curves": _curves(found),
        "rows": [_row(each, start.prunable) for each in found],
        "seconds": perf_counter() - began,
        "device": str(device),
    }


def _curves(found: list[dict[str, Any]]) -> dict[str, Any]:
    points = [(epoch, each["round"], values) for each in found for epoch, values in each["seen"]]
    return {
        "epoch": [epoch for epoch, _, _ in points],
        "round": [number for _, number, _ in points],
        "mean": [values.mean().item() for _, _, values in points],
        "deviation": [values.std(correction=0).item() for _, _, values in points],
    }


def _row(found: dict[str, Any], weights: int) -> dict[str, Any]:
    first, last = found["seen"][0][1], found["seen"][-1][1]
    return {
        "round": found["round"],
        "kept": found["kept"],
        "sparsity": 1 - found["kept"] / weights,
        "first": first.mean().item(),
        "last": last.mean().item(),
        "deviation": last.std(correction=0).item(),
        "each": last.tolist(),
    }
