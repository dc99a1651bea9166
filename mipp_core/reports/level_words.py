"""The levels of a run in words: what each is called and asks for, and whether they are nested."""

from math import log2

from mipp_core.information import confidence_of, fine_schedule
from mipp_core.information.confidence import level_of
from mipp_core.reports.nesting import Crossing, crossings, largest_step, why
from mipp_core.reports.tables import deaths
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import collapsed_layers, entry_of, passed_layers
from mipp_core.runs.spec import RunSpec
from mipp_core.vocabulary import INPUT

_NAMED = 4
"""Pairs of levels that are named; of more, their number is said."""

_LARGE = 0.1
"""Share of the units in one step of the slider from which smaller steps are suggested."""


def between(confidence: float) -> str:
    """Return a confidence as a level of the schedule; one between two levels has a decimal place."""
    level = -log2(1 - confidence) - 1
    return f"{level:.0f}" if abs(level - round(level)) < 1e-6 else f"{level:.1f}"


def is_fine(document: RunDocument) -> bool:
    """Tell whether a run was asked at the fine schedule's confidences."""
    return document["spec"]["confidences"] == list(fine_schedule())


def own_point(document: RunDocument) -> int | None:
    """Return the number of the point that a pruner chose by itself; None where there is none."""
    own = RunSpec.from_json(document["spec"]).own_point
    return own if any(entry["level"] == own for entry in document["levels"]) else None


def axis_name(document: RunDocument) -> str:
    """Name what the slider over a run's levels moves."""
    if own_point(document) is not None:
        return "Units removed"
    return "Step" if document["levels"][0]["confidence"] is None else "Confidence level"


def name_of(document: RunDocument, number: int) -> str:
    """Name a point of a sweep: a confidence by its level of the schedule, whether the run has all of them or some."""
    entry = entry_of(document, number)
    confidence = entry["confidence"]
    if confidence is None:
        own = own_point(document)
        if own is None:
            return f"Step {number}"
        return f"{entry['sparsity']:.1%}{', its own cut' if number == own else ''}"
    level = level_of(confidence)
    if confidence_of(level) != confidence or is_fine(document):
        return f"Level {between(confidence)}"
    return f"Level {level}"


def called(document: RunDocument, number: int) -> str:
    """Name a point within a sentence."""
    name = name_of(document, number)
    return name[0].lower() + name[1:]


def asks(document: RunDocument, number: int) -> str:
    """Say what a point asks for, to follow its name; empty where there is nothing more to say."""
    confidence = entry_of(document, number)["confidence"]
    if confidence is None:
        return ""
    if document["spec"].get("follow") is not None:
        return f"as many units as MIPP removes at confidence {percent(confidence)}"
    return f"keep a unit only if more than {percent(confidence)} sure that it transfers information"


def percent(confidence: float) -> str:
    """Return a confidence in per cent, without zeros at the end."""
    return f"{confidence:.6%}".rstrip("%").rstrip("0").rstrip(".") + "%"


def said_of_nesting(document: RunDocument) -> str:
    """Say whether what a level removes is removed by all higher levels, too, and how large the steps are."""
    crossed, reason = crossings(document), why(document)
    words = (
        f"This run's levels are not nested: {_pairs(document, crossed)}; {reason}."
        if crossed
        else f"What a level removes, every higher level of this run removes, too: {reason}."
    )
    return f"{words} {_steps(document)}"


def _steps(document: RunDocument) -> str:
    largest = largest_step(document)
    hint = "; *Fine levels* has smaller steps" if largest > _LARGE and document["spec"]["confidences"] is None else ""
    return f"Its largest step removes {largest:.0%} of the units{hint}."


def _pairs(document: RunDocument, crossed: list[Crossing]) -> str:
    """Name the steps where units come back, or count them, and name those that remove fewer in all."""
    fewer = [each for each in crossed if each.fewer > 0]
    count = len(document["levels"]) - 1
    where = _listed(document, crossed) if len(crossed) <= _NAMED else f"at {len(crossed)} of {count} steps"
    back = f"{where}, units come back that the level below removed"
    return f"{back}, and {_listed(document, fewer)}, fewer are removed in all" if fewer else back


def _listed(document: RunDocument, crossed: list[Crossing]) -> str:
    if len(crossed) > _NAMED:
        return f"at {len(crossed)} of them"
    named = [f"{_short(document, each.lower)} to {_short(document, each.higher)}" for each in crossed]
    words = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"from level {words}"


def _short(document: RunDocument, number: int) -> str:
    confidence = entry_of(document, number)["confidence"]
    return str(number) if confidence is None else between(confidence)


def collapses(document: RunDocument, number: int) -> str:
    """Say which layers have collapsed at a point, since when, and where the first one does."""
    entry, first = entry_of(document, number), deaths(document)
    dead, passed = collapsed_layers(entry), passed_layers(entry)
    later = [f"{name} at {called(document, at)}" for name, at in first.items() if name != INPUT]
    words = f"First collapse: {', '.join(later)}." if later else "No layer collapses at any level."
    if dead:
        since = [f"**{name} has no unit left** since {called(document, first[name])}" for name in dead[:4]]
        words = f"Layer collapse: {'; '.join(since)}{f'; and {len(dead) - 4} more' if dead[4:] else ''}."
    if passed:
        named = ", ".join(passed[:4]) + (f" and {len(passed) - 4} more" if passed[4:] else "")
        words += f" Passed by: {named}; the stream goes round, so the network works without."
    return words


def best_point(document: RunDocument) -> int:
    """Return the point to open with: of those within one percentage point of the dense accuracy, the smallest network.

    While accuracies are missing, or where none is that near, it is the point in the middle.
    """
    numbers = [entry["level"] for entry in document["levels"]]
    own, dense = own_point(document), document["dense_accuracy"]
    if own is not None:
        return own
    near = {
        entry["parameters"]: entry["level"]
        for entry in document["levels"]
        if dense is not None and (entry["accuracy_retrained"] or 0.0) >= dense - 0.01
    }
    is_whole = all(entry["accuracy_retrained"] is not None for entry in document["levels"])
    return near[min(near)] if near and is_whole else numbers[len(numbers) // 2]
