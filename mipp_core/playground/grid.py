"""Every estimator on every pair of variables, by the number of samples and by the strength, over several seeds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from time import perf_counter
from typing import Any

from mipp_core.errors import SettingError
from mipp_core.playground.estimators import ESTIMATORS, estimated
from mipp_core.playground.known import Known, known
from mipp_core.playground.renyi_limit import renyi_limit
from mipp_core.training import one_thread
from mipp_core.vocabulary import Progress, Report, silent


@dataclass(frozen=True)
class Grid:
    """What is asked of every estimator.

    Attributes:
        seeds: of samples and regressors, 2 or more.
        samples: their numbers, all at the strength ``at``.
        strengths: all with ``among`` samples.
        at, among: where the two lines cross; each is one of its line.

    Raises:
        SettingError: there are too few seeds, or the lines do not cross.
    """

    seeds: int = 5
    samples: tuple[int, ...] = (100, 200, 500, 1000, 2000, 5000)
    strengths: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
    at: float = 0.8
    among: int = 1000

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise SettingError(f"{self.seeds} seeds have no spread; take 2 or more.")
        if self.at not in self.strengths or self.among not in self.samples:
            raise SettingError(f"The lines do not cross at {self.at:g} and {self.among}; choose one of each line.")

    @property
    def points(self) -> list[tuple[float, int]]:
        """Strengths and numbers of samples, each once."""
        return list(dict.fromkeys([*((self.at, n) for n in self.samples), *((s, self.among) for s in self.strengths)]))


def measure(name: str, grid: Grid | None = None, report: Report = silent) -> dict[str, Any]:
    """Ask all estimators about one pair of variables, on one thread.

    Args:
        name: of ``DISTRIBUTIONS``.
        grid: what is asked.
        report: called before every point; may raise ``CancelledError``.

    Returns:
        A document, which is plain JSON: per point the truth in nats and, per estimator, its figures over the seeds, the
        mean seconds of one, and the limit of a Rényi estimator where one is known.
    """
    grid, pair, start = grid or Grid(), known(name), perf_counter()
    points = []
    with one_thread():
        for done, (strength, n) in enumerate(grid.points):
            report(Progress(f"{name}, strength {strength:g}, {n} samples", done / len(grid.points)))
            points.append(_point(pair, strength, n, grid.seeds))
    return {
        "pair": name,
        "setting": asdict(grid),
        "points": points,
        "seconds": perf_counter() - start,
    }


def _point(pair: Known, strength: float, n: int, seeds: int) -> dict[str, Any]:
    drawn = [pair.drawn(strength, n, seed) for seed in range(seeds)]
    found = {}
    for name, estimator in ESTIMATORS.items():
        if estimator.takes(pair, n):
            made = [estimated(name, pair, samples, seed) for seed, samples in enumerate(drawn)]
            limit = renyi_limit(pair, strength, estimator.alpha) if estimator.alpha else None
            seconds = fmean(each.seconds for each in made)
            found[name] = {"nats": [each.nats for each in made], "seconds": seconds, "limit": limit}
    return {"strength": strength, "n": n, "truth": pair.truth(strength), "estimates": found}


@dataclass(frozen=True)
class Reading:
    """What one estimator reads at one point of a grid.

    Attributes:
        strength, n: where.
        truth: nats.
        mean, deviation: over seeds, in nats.
        seconds: of one estimate, on average.
        limit: what it tends to with endless samples, if that is known and is another quantity.
    """

    strength: float
    n: int
    truth: float
    mean: float
    deviation: float
    seconds: float
    limit: float | None


def readings(document: Mapping[str, Any], estimator: str, along: str) -> list[Reading]:
    """Return what an estimator reads along one of a grid's two lines, in order.

    Args:
        document: as ``measure`` made it.
        estimator: its name.
        along: ``n`` or ``strength``.
    """
    found = [_reading(point, estimator) for point in _line(document, along) if estimator in point["estimates"]]
    return sorted(found, key=lambda each: each.n if along == "n" else each.strength)


def _line(document: Mapping[str, Any], along: str) -> Iterator[Mapping[str, Any]]:
    setting: Mapping[str, Any] = document["setting"]
    fixed = ("strength", setting["at"]) if along == "n" else ("n", setting["among"])
    points: Sequence[Mapping[str, Any]] = document["points"]
    return (point for point in points if point[fixed[0]] == fixed[1])


def _reading(point: Mapping[str, Any], estimator: str) -> Reading:
    made = point["estimates"][estimator]
    mean, deviation = fmean(made["nats"]), stdev(made["nats"])
    return Reading(point["strength"], point["n"], point["truth"], mean, deviation, made["seconds"], made["limit"])


def bias_said(off: float, spread: float, close: float = 0.01) -> str:
    """Say in words how far a reading is off.

    Args:
        off: reading less truth, in nats.
        spread: one standard deviation; what is no further off is within it.
        close: what counts as right whatever the spread.
    """
    if abs(off) < close:
        return "right to 0.01 nats"
    words = f"{abs(off):.2f} nats too {'much' if off > 0 else 'little'}"
    return f"{words}, within the seeds' spread" if abs(off) <= spread else words
