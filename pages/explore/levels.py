"""The slider over a run's levels, and whether they are nested."""

from math import log2

import streamlit as st

from mipp_core.information import LEVELS, confidence_of, fine_schedule
from mipp_core.information.confidence import level_of
from mipp_core.reports.nesting import Crossing, crossings, largest_step, why
from mipp_core.runs import RunSpec, entry_of
from mipp_core.runs.document import RunDocument

DEFAULT = 3

_NAMED = 4
"""Pairs of levels that are named; of more, their number is said."""

_LARGE = 0.1
"""Share of the units in one step of the slider from which smaller steps are suggested."""


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
    named = _named(document, level)
    if confidence is None:
        st.caption(f"{share}." if level == RunSpec.from_json(document["spec"]).own_point else f"{named}: {share}.")
    elif document["spec"].get("follow") is not None:
        st.caption(f"{named}: {share}, as many as MIPP removes at confidence **{_percent(confidence)}**.")
    else:
        st.caption(
            f"{named}: keep a unit only if more than **{_percent(confidence)}** sure that it transfers information."
        )
    st.caption(said_of_nesting(document))
    return level


def _drawn(document: RunDocument, numbers: list[int]) -> int:
    words = "The paper's schedule x = 1 - 2^-(n+1). Drag, or use the arrow keys."
    if _is_fine(document):
        asked = fine_schedule()
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
    if RunSpec.from_json(document["spec"]).own_point in numbers:
        return _shares(document, numbers)
    label = "Step" if entry_of(document, numbers[0])["confidence"] is None else "Confidence level"
    nearest = min(numbers, key=lambda number: abs(number - DEFAULT))
    if numbers == list(range(len(numbers))):
        last = numbers[-1]
        return st.slider(label, 0, last, value=nearest, key="level", bind="query-params", help=words)
    # a run that has measured only some levels
    return st.select_slider(label, numbers, value=nearest, key="point", bind="query-params", help=words)


def _shares(document: RunDocument, numbers: list[int]) -> int:
    """Draw the slider of a run whose pruner's own cut stands among the shares that were asked for."""
    own = RunSpec.from_json(document["spec"]).own_point

    def named(number: int) -> str:
        return f"{entry_of(document, number)['sparsity']:.1%}{', its own cut' if number == own else ''}"

    usual = own if own in numbers else numbers[len(numbers) // 2]
    help_ = "Drag, or use the arrow keys."
    return st.select_slider(
        "Units removed", numbers, value=usual, format_func=named, key="point", bind="query-params", help=help_
    )


def between(confidence: float) -> str:
    """Return a confidence as a level of the schedule; one between two levels has a decimal place."""
    level = -log2(1 - confidence) - 1
    return f"{level:.0f}" if abs(level - round(level)) < 1e-6 else f"{level:.1f}"


def _named(document: RunDocument, point: int) -> str:
    """Name a point of a sweep; if the run has only some levels, its numbers are not those of the schedule."""
    confidence = entry_of(document, point)["confidence"]
    if confidence is None:
        return f"Level {point}"
    level = level_of(confidence)
    if confidence_of(level) != confidence or _is_fine(document):
        return f"Level {between(confidence)}"
    return f"Level {point}" if level == point else f"Point {point}, level {level} of the schedule"


def _is_fine(document: RunDocument) -> bool:
    return document["spec"]["confidences"] == list(fine_schedule())


def called(document: RunDocument, level: int) -> str:
    """Name a level within a sentence."""
    return _named(document, level).lower()


def _percent(confidence: float) -> str:
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
    where = _listed(document, crossed) if len(crossed) <= _NAMED else f"at {len(crossed)} of {_count(document)} steps"
    back = f"{where}, units come back that the level below removed"
    return f"{back}, and {_listed(document, fewer)}, fewer are removed in all" if fewer else back


def _count(document: RunDocument) -> int:
    return len(document["levels"]) - 1


def _listed(document: RunDocument, crossed: list[Crossing]) -> str:
    if len(crossed) > _NAMED:
        return f"at {len(crossed)} of them"
    named = [f"{_short(document, each.lower)} to {_short(document, each.higher)}" for each in crossed]
    words = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"from level {words}"


def _short(document: RunDocument, level: int) -> str:
    confidence = entry_of(document, level)["confidence"]
    return str(level) if confidence is None else between(confidence)
