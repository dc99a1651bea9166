"""Lesson 2: random against chosen units."""

from collections.abc import Mapping
from statistics import fmean

from mipp_core.reports.lessons.lesson import Bar, Bars, Choice, Guess, Line, Lines, Link, Network, Step
from mipp_core.reports.lessons.reading import (
    OWN,
    Runs,
    in_band,
    levels_of,
    nearest,
    raced,
    reached,
    removed,
    run_named,
    stands,
)
from mipp_core.reports.lessons.words import (
    DOTS,
    LEVEL,
    NAMES,
    POINT,
    each,
    epochs,
    luck,
    mean,
    moved,
    points,
    seeds,
    share,
)
from mipp_core.reports.tables import Measure
from mipp_core.runs.document import RunDocument

_CHOICES = (OWN, "magnitude", "random")

_LEVEL = 0.0005
"""A difference of accuracies that is written as 0.0 points."""

_STAGES: Mapping[str, Measure] = {"cut": "pruned", "rebuilt": "rebuilt", "retrained": "retrained"}


def steps() -> tuple[Step, ...]:
    """Make the lesson's steps from the shipped comparison of trained networks."""
    return told(raced("trained"), run_named("trained-0"))


def told(runs: Runs, shown: RunDocument) -> tuple[Step, ...]:
    """Make the lesson's steps.

    Args:
        runs: MIPP's on trained networks, with its controls, one per seed.
        shown: the first of them with every level, to be drawn.
    """
    level = nearest(runs, 0.5)
    return (
        _race(runs, shown, level),
        _cut(runs, level),
        _retrained(runs, level),
        _further(runs),
        _end(runs, shown, level),
    )


def _race(runs: Runs, shown: RunDocument, level: int) -> Step:
    return Step(
        "A fair race",
        "A trained network is **pruned**: some of its **units** (filters and neurons, the squares and dots of the "
        "picture) are taken out for good. Which? Three ways to choose those that stay:\n\n"
        "- **MIPP**: a unit stays if the next layer could not be worked out without it.\n"
        "- **Largest weights**: a unit stays if its weights, the numbers that training found, are large (added up "
        "without their signs: the *L1 norm*).\n"
        "- **Random**: lots are drawn.\n\n"
        "To be fair, all three keep **equally many units in every layer**: as many as MIPP does. "
        f"{LEVEL} Here are MIPP's at level {level}; faint ones are gone. On average over {seeds(len(runs))} "
        f"{share(removed(runs, level))} go.",
        Network(shown["hash"], level),
    )


def _bars(runs: Runs, level: int, measure: str, word: str) -> Bars:
    rows = tuple(Bar(NAMES[name], reached(runs, level, name, measure), name == OWN) for name in _CHOICES)
    return Bars(
        f"Test accuracy, {word}",
        measure,
        rows,
        f"Test accuracy of three choices of units, {word}: "
        + "; ".join(f"{row.name} {mean(row.values)}" for row in rows),
        f"how far each row reaches, and how far its dots lie apart. {DOTS}",
    )


def _cut(runs: Runs, level: int) -> Step:
    own, lots, large = (reached(runs, level, name, "pruned") for name in (OWN, "random", "magnitude"))
    behind = fmean(own) - fmean(lots)
    truth = 2 if fmean(lots) < 0.5 else 1 if behind >= 0.05 else 0
    return Step(
        "Right after the cut",
        f"Units are out, and nothing is repaired yet. With MIPP's units the network still reads **{mean(own)}** of the "
        f"test images, on average over {len(runs)} seeds. {POINT}",
        _bars(runs, level, "pruned", "right after the cut"),
        Guess(
            "And with random units, equally many in every layer?",
            ("About as many: less than 5 points fewer", "Fewer, but more than half", "Less than half"),
            truth,
            f"Random units: **{mean(lots)}** on average ({each(lots)}).",
        ),
        f"The difference of {points(behind)} is {luck(own, lots)}. The largest weights reach {mean(large)}: "
        f"{_against(large, own)}.{_rival(large, own)}",
    )


def _against(other: tuple[float, ...], own: tuple[float, ...]) -> str:
    """Say how another choice stands to MIPP's."""
    difference = fmean(other) - fmean(own)
    if abs(difference) < _LEVEL:
        return "level with MIPP"
    return f"{moved(difference)} than MIPP's, {luck(other, own)}"


def _rival(other: tuple[float, ...], own: tuple[float, ...]) -> str:
    return "" if stands(other, own) == "behind" else " A simple rule can be a strong rival."


def _retrained(runs: Runs, level: int) -> Step:
    own, lots, large = (reached(runs, level, name) for name in (OWN, "random", "magnitude"))
    behind = fmean(own) - fmean(lots)
    more = epochs(runs[0]["spec"]["retraining"]["epochs"])
    return Step(
        "Trained once more",
        f"Now all of them are **retrained**, that is, trained for another {more}. MIPP's network reaches "
        f"{mean(own, 2)}.",
        _bars(runs, level, "retrained", "retrained"),
        Guess(
            "How far is the network with random units behind it now?",
            ("More than 5 points", "1 to 5 points", "Less than 1 point, or not at all"),
            2 - in_band(behind, (0.01, 0.05)),
            f"Random units: **{mean(lots, 2)}**, {moved(-behind, 2)}: {luck(own, lots)}.",
        ),
        f"The largest weights reach {mean(large, 2)}: {_against(large, own)}. {_moral(behind)}",
    )


def _moral(behind: float) -> str:
    if behind < 0.01:
        return (
            "So at this size retraining mends nearly any choice. Is it then *how many* units each layer keeps that "
            "counts, and not *which*? The next lesson asks."
        )
    return "So even after retraining it matters which units stay."


def _further(runs: Runs) -> Step:
    level = nearest(runs, 0.72)
    own, lots = (reached(runs, level, name, "rebuilt") for name in (OWN, "random"))
    return Step(
        "When more goes",
        f"Now {share(removed(runs, level))} of the units go, at level {level}. **Rebuilt** "
        "means that the units that are left get new weights, computed in one go, so that every next layer is told as "
        "nearly as possible what it was told before: the plainest test of whether enough was kept. MIPP's units then "
        f"read {mean(own)}, random ones {mean(lots)}; the difference is {luck(own, lots)}.",
        Choice(
            "Look at networks that are",
            "Right after the cut; with weights computed anew in one go; or trained again.",
            {word: _lines(runs, measure, word) for word, measure in _STAGES.items()},
            "rebuilt",
        ),
    )


def _lines(runs: Runs, measure: str, word: str) -> Lines:
    levels = levels_of(runs)
    across = tuple(removed(runs, level) for level in levels)
    lines = tuple(
        Line(NAMES[name], across, tuple(fmean(reached(runs, level, name, measure)) for level in levels), name == OWN)
        for name in _CHOICES
    )
    return Lines(
        "Units removed",
        f"Test accuracy, {word}",
        measure,
        lines,
        f"Test accuracy, {word}, by share of units removed, for three choices of units",
        f"where the lines part, and which one falls last. Means over {len(runs)} seeds.",
    )


def _end(runs: Runs, shown: RunDocument, level: int) -> Step:
    cut, after = (
        fmean(reached(runs, level, OWN, measure)) - fmean(reached(runs, level, "random", measure))
        for measure in ("pruned", "retrained")
    )
    return Step(
        "In short",
        f"- Right after the cut, MIPP's units read {moved(cut)} than random ones, with "
        f"{share(removed(runs, level))} of the units gone.\n"
        f"- After retraining, {moved(after, 2)}.\n"
        "- A fair comparison keeps equally many units in every layer, and says what luck could do.\n\n"
        "In Explore, *Show controls* draws random units and the largest weights beside MIPP at every level.",
        Network(shown["hash"], level, ("slider", "network")),
        link=Link("Go on in Explore", "", {"compare": "true"}),
    )
