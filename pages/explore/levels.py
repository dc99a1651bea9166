"""Which level of a run is looked at; it is in the address, and nowhere else."""

from collections.abc import Iterable

import streamlit as st

from mipp_core.information import LEVELS, confidence_of, fine_schedule
from mipp_core.information.confidence import level_of
from mipp_core.reports.level_words import best_point, is_fine, own_point
from mipp_core.runs.document import RunDocument

DEFAULT = 9
"""The paper's level that a run is looked at while nothing is known of its own."""


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
    fine, address = fine_schedule(), st.query_params
    if st.session_state.fine:
        address["fine_level"] = str(fine.index(confidence_of(_number(address.get("level"), range(LEVELS), DEFAULT))))
    else:
        usual = fine.index(confidence_of(DEFAULT))
        address["level"] = str(level_of(fine[_number(address.get("fine_level"), range(len(fine)), usual)]))


def chosen(document: RunDocument) -> int:
    """Return the number of the point that the address names; without one, the point that is best to open with."""
    numbers = [entry["level"] for entry in document["levels"]]
    return _number(st.query_params.get(_key(document)), numbers, best_point(document))


def choose(document: RunDocument, number: int) -> None:
    """Write a point into the address."""
    st.query_params[_key(document)] = str(number)


def asked_for(usual: int) -> int:
    """Return the point that the address names before there is a run to look it up in."""
    fine = bool(st.session_state.get("fine"))
    count = len(fine_schedule()) if fine else LEVELS
    return _number(st.query_params.get("fine_level" if fine else "level"), range(count), usual)


def ask_for(number: int) -> None:
    """Write a point into the address before there is a run."""
    st.query_params["fine_level" if st.session_state.get("fine") else "level"] = str(number)


def forget() -> None:
    """Take every point out of the address."""
    for key in ("level", "fine_level", "point"):
        st.query_params.pop(key, None)


def _key(document: RunDocument) -> str:
    """Return the point's name in the address; where only some levels were measured, their numbers are no levels."""
    if is_fine(document):
        return "fine_level"
    numbers = [entry["level"] for entry in document["levels"]]
    return "level" if numbers == list(range(len(numbers))) and own_point(document) is None else "point"


def _number(text: str | None, known: Iterable[int], usual: int) -> int:
    return {str(number): number for number in known}.get(text or "", usual)
