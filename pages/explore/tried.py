"""What this visitor looked at, the newest first, to hold beside each other and to go back to."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from mipp_core.reports.tables import MEASURES
from mipp_core.runs import RunSpec, entry_of
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import accuracy_of
from pages.explore import controls, levels
from pages.shared.chips import chips

MOST = 12
"""Runs that are kept in mind."""


@dataclass(frozen=True)
class Tried:
    """A run that was looked at.

    Attributes:
        name: what it was found by.
        document: of the run.
        level: the number of the point that was looked at last.
        controls: as they stood; None where they do not say which run it is: one opened by name, or with given weights.
    """

    name: str
    document: RunDocument
    level: int
    controls: Mapping[str, Any] | None


def remember(name: str, document: RunDocument, level: int, by_controls: bool) -> None:
    """Keep in mind what is looked at now; ``by_controls`` tells whether the controls say which run it is."""
    state = st.session_state
    stood = {key: state[key] for key in controls.DEFAULTS if key in state} if by_controls else None
    now, before = Tried(name, document, level, stood), _all()
    if any(each.name == name for each in before):
        state["tried"] = [now if each.name == name else each for each in before]
    else:
        state["tried"] = [now, *before][:MOST]


def panel(name: str) -> None:
    """Draw what was looked at; nothing while that is only what is looked at now, which is ``name``."""
    tried = _all()
    if len(tried) < 2:
        return
    st.header("What you looked at", anchor=False)
    key = f"tried_table {name} {len(tried)}"  # another one for what is shown next: a tick goes with what it led to
    st.dataframe(
        pd.DataFrame([_row(each) for each in tried]),
        hide_index=True,
        key=key,
        on_select=partial(_go_back, key),
        selection_mode="single-row",
        alt="Runs that were looked at in this window, the newest first",
        column_config={
            "What": st.column_config.ListColumn("What", width=330),
            "Level": st.column_config.NumberColumn("Level", width=60),
            "Removed": st.column_config.NumberColumn("Units removed", format="percent"),
            "Accuracy": st.column_config.NumberColumn("Accuracy", format="percent", help="The last that was measured."),
            "Curve": st.column_config.LineChartColumn(
                "Over levels", y_min=0.0, y_max=1.0, help="Accuracy from the lowest level to the highest."
            ),
        },
    )
    st.caption("What to see: which setting keeps its curve up longest. Tick a row to go back to it.")


def _all() -> list[Tried]:
    return st.session_state.get("tried", [])


def _row(each: Tried) -> dict[str, Any]:
    entry, measure = entry_of(each.document, each.level), _last_measured(each.document)
    return {
        "What": chips(RunSpec.from_json(each.document["spec"])),
        "Level": each.level,
        "Removed": entry["sparsity"],
        "Accuracy": accuracy_of(entry, measure),
        "Curve": [accuracy_of(level, measure) for level in each.document["levels"]],
    }


def _last_measured(document: RunDocument) -> str:
    known = [name for name in MEASURES if any(accuracy_of(level, name) is not None for level in document["levels"])]
    return known[-1] if known else MEASURES[0]


def _go_back(table: str) -> None:
    rows = st.session_state[table].selection.rows
    tried = _all()
    if not rows or rows[0] >= len(tried):
        return
    found = tried[rows[0]]
    if found.controls is None:
        levels.forget()
        st.query_params["run"] = found.name
    else:
        st.query_params.pop("run", None)
        controls.apply(found.controls)
    levels.choose(found.document, found.level)
