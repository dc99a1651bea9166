"""What lessons read in shipped documents."""

from collections.abc import Sequence
from statistics import fmean, stdev

from mipp_core.errors import DataError
from mipp_core.reports.archive import SHIPPED, load_run, shipped_documents
from mipp_core.reports.standing import Summary, Told, explained, told
from mipp_core.runs.document import LayerDocument, LevelDocument, RunDocument
from mipp_core.runs.result import accuracy_of, entry_of
from mipp_core.vocabulary import INPUT

OWN = "mipp"
"""The choice of units that a run made by itself; all others are its controls."""

Runs = Sequence[RunDocument]
"""The same run with several seeds."""


def run_named(name: str) -> RunDocument:
    """Return a shipped run by its folder's name.

    Raises:
        DataError: it is missing: the package was not installed whole.
    """
    found = load_run(SHIPPED / name)
    if found is None:
        raise DataError(f"The shipped run {name} is missing from {SHIPPED}; install the package again.")
    return found


def raced(start: str) -> list[RunDocument]:
    """Return MIPP's runs of a shipped comparison, which have all controls: one per seed.

    Args:
        start: ``trained`` or ``untrained``.
    """
    return [run for run in shipped_documents(f"comparison-{start}") if run["spec"]["controls"]]


def reached(runs: Runs, level: int, choice: str = OWN, measure: str = "retrained") -> tuple[float, ...]:
    """Return what a choice of units reaches at a level: an accuracy in [0, 1] per seed that has one."""
    entries = [entry_of(run, level) for run in runs]
    found = [accuracy_of(entry if choice == OWN else entry["controls"][choice], measure) for entry in entries]
    return tuple(value for value in found if value is not None)


def removed(runs: Runs, level: int) -> float:
    """Return the share of the units that a level removes, in [0, 1], on average over seeds."""
    return fmean(entry_of(run, level)["sparsity"] for run in runs)


def levels_of(runs: Runs) -> list[int]:
    """Return the numbers of the levels that were measured."""
    return [entry["level"] for entry in runs[0]["levels"]]


def nearest(runs: Runs, share: float) -> int:
    """Return the number of the level that removes nearest to a share of the units, on average over seeds."""
    return min(levels_of(runs), key=lambda level: abs(removed(runs, level) - share))


def own_layers(entry: LevelDocument) -> list[LayerDocument]:
    """Return a level's layers, the input apart."""
    return [layer for layer in entry["layers"] if layer["name"] != INPUT]


def dense_of(run: RunDocument) -> float:
    """Return the dense network's test accuracy, in [0, 1]; 0 where it was not measured."""
    return run["dense_accuracy"] or 0.0


def stands(one: Sequence[float], other: Sequence[float]) -> Told:
    """Say how one choice stands to another, by the rule of ``mipp_core.reports.standing``."""
    return told(_summary(one), _summary(other))


def luck_explains(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how far apart two means, in [0, 1], may be by the luck of the seeds; infinitely far with one seed."""
    return explained(_summary(one), _summary(other)) if min(len(one), len(other)) > 1 else float("inf")


def _summary(values: Sequence[float]) -> Summary:
    spread = stdev(values) if len(values) > 1 else float("nan")
    return Summary(len(values), fmean(values), spread, min(values), max(values))


def in_band(value: float, edges: Sequence[float]) -> int:
    """Return in which of the bands between rising edges a value lies, from 0; an edge belongs to the band above."""
    return sum(value >= edge for edge in edges)
