"""The slider over a run's levels, and whether they are nested."""

from math import log2

import streamlit as st

from mipp_core.information import LEVELS, confidence_of, fine_schedule
from mipp_core.information.confidence import level_of
from mipp_core.reports.nesting import Crossing, crossings, largest_step, why
from mipp_core.runs import entry_of
from mipp_core.runs.document import RunDocument
from mipp_core.vocabulary import INPUT

DEFAULT = 3

_NAMED = 4
"""Pairs of levels that are named; of more, their number is said."""


def fine_control() -> None:
    """Draw the choice between the paper's levels and a fine schedule."""
    st.toggle(
        "Fine levels",
        key="fine",
        bind="query-params",
        on_change=_keep_place,
        help=f"Ask at {len(fine_schedule())} confidences, the paper's {LEVELS} levels and others between them, so that "
        "the slider moves in small steps.",
    )


def confidences() -> tuple[float, ...] | None:
    """Return where the run is asked; None for the paper's levels."""
    return fine_schedule() if st.session_state.get("fine") else None


def _keep_place() -> None:
    """Move to the same confidence of the other schedule."""
    state, fine = st.session_state, fine_schedule()
    if state.fine:
        state["fine_level"] = fine.index(confidence_of(int(state.get("level", DEFAULT))))
    else:
        state["level"] = level_of(fine[int(state.get("fine_level", fine.index(confidence_of(DEFAULT))))])


def slider(document: RunDocument) -> int:
    """Draw the slider over the levels and return the one chosen."""
    numbers = [entry["level"] for entry in document["levels"]]
    if len(numbers) == 1:
        return numbers[0]
    level = _drawn(document, numbers)
    entry = entry_of(document, level)
    confidence, share = entry["confidence"], f"{entry['sparsity']:.0%} of all units are removed"
    named = _named(level, confidence)
    if confidence is None:
        st.caption(f"{named}: {share}.")
    elif document["spec"].get("follow") is not None:
        st.caption(f"{named}: {share}, as many as MIPP removes at confidence **{confidence:.6%}**.")
    else:
        st.caption(f"{named}: keep a unit only if more than **{confidence:.6%}** sure that it transfers information.")
    st.caption(said_of_nesting(document))
    return level


def _drawn(document: RunDocument, numbers: list[int]) -> int:
    asked = document["spec"]["confidences"]
    words = "The paper's schedule x = 1 - 2^-(n+1). Drag, or use the arrow keys."
    if asked == list(fine_schedule()) and len(numbers) == len(asked):
        words = "The paper's levels, and others between them. Drag, or use the arrow keys."
        usual = asked.index(confidence_of(DEFAULT))
        return st.select_slider(
            "Confidence level",
            numbers,
            value=usual,
            format_func=lambda number: between(asked[number]),
            key="fine_level",
            bind="query-params",
            help=words,
        )
    nearest = min(numbers, key=lambda number: abs(number - DEFAULT))
    if numbers == list(range(len(numbers))):
        last = numbers[-1]
        return st.slider("Confidence level", 0, last, value=nearest, key="level", bind="query-params", help=words)
    # a run that has measured only some levels
    return st.select_slider("Confidence level", numbers, value=nearest, key="point", bind="query-params", help=words)


def between(confidence: float) -> str:
    """Return a confidence as a level of the schedule; one between two levels has a decimal place."""
    level = -log2(1 - confidence) - 1
    return f"{level:.0f}" if abs(level - round(level)) < 1e-6 else f"{level:.1f}"


def _named(point: int, confidence: float | None) -> str:
    """Name a point of a sweep; if the run has only some levels, its numbers are not those of the schedule."""
    if confidence is None:
        return f"Level {point}"
    level = level_of(confidence)
    if confidence_of(level) != confidence:
        return f"Level {between(confidence)}"
    return f"Level {point}" if level == point else f"Point {point}, level {level} of the schedule"


def called(document: RunDocument, level: int) -> str:
    """Name a level within a sentence."""
    return _named(level, entry_of(document, level)["confidence"]).lower()


def said_of_nesting(document: RunDocument) -> str:
    """Say whether what a level removes is removed by all higher levels, too, and how large the steps are."""
    crossed, reason = crossings(document), why(document)
    largest = f"No step removes more than {largest_step(document):.1%} of the units."
    if not crossed:
        return f"In this run, what a level removes, every higher level removes, too ({reason}). {largest}"
    units = "units" if any(layer["name"] != INPUT for layer in document["levels"][0]["layers"]) else "pixels"
    words = _pairs(document, crossed, units)
    return f"In this run, a higher level does not always prune more: {words}; {reason}. {largest}"


def _pairs(document: RunDocument, crossed: list[Crossing], units: str) -> str:
    back = sum(each.back for each in crossed)
    if len(crossed) > _NAMED:
        return f"{len(crossed)} of {len(document['levels']) - 1} steps keep some {units} that the level below removed"
    named = [f"{_short(document, each.lower)} to {_short(document, each.higher)}" for each in crossed]
    words = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"from level {words}, {back} {units if back > 1 else units[:-1]} in all come back"


def _short(document: RunDocument, level: int) -> str:
    confidence = entry_of(document, level)["confidence"]
    return str(level) if confidence is None else between(confidence)
