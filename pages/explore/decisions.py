"""The decisions of a pruner that tests units."""

import streamlit as st

from mipp_core.pruners import Decider
from mipp_core.reports.tables import decimals_that_tell, decision_table
from mipp_core.runs import RunSpec, entry_of
from mipp_core.runs.document import RunDocument
from pages.explore.selection import Selection
from pages.shared.finding import whole

LATEST = 200
"""Decisions shown in the table, the most recent first."""


def table(document: RunDocument, level: int, about: Selection | None = None) -> None:
    """Draw the decisions that hold at a level, or those about a layer or unit; a sentence where there are none."""
    st.header(f"Decisions about {about.words}" if about else "Latest decisions", anchor=False)
    found = decision_table(document, level)
    if about is not None and not found.empty:
        of_unit = found.unit == about.unit if about.unit is not None else True
        found = found[(found.layer == about.layer) & of_unit]
    if found.empty:
        st.caption(_why_no_decisions(document, level))
        return
    found = found.iloc[::-1].head(LATEST)
    found = found.assign(order=found.order + 1)
    shown = f"%.{decimals_that_tell(found)}f"
    st.dataframe(
        found,
        height=330,
        hide_index=True,
        alt="The most recent decisions of TERC",
        column_order=("layer", "unit", "kept", "z", "needed", "gain", "standard_error", "order", "tested_with"),
        column_config={
            "layer": st.column_config.TextColumn("Layer", width=70),
            "unit": st.column_config.NumberColumn("Unit", width=60),
            "order": st.column_config.NumberColumn(
                "Order", help="Place in the order of testing, 1 = least informative."
            ),
            "tested_with": st.column_config.NumberColumn("Block", help="Units tested together."),
            "gain": st.column_config.NumberColumn("Gain", format="%.4f", help="Loss without the unit minus with it."),
            "standard_error": st.column_config.NumberColumn("Std. error", format="%.4f"),
            "z": st.column_config.NumberColumn("z", format=shown, help="Gain in standard errors."),
            "needed": st.column_config.NumberColumn("z needed", format=shown, help="The level's normal quantile."),
            "kept": st.column_config.CheckboxColumn("Kept", width=60),
        },
    )
    st.caption("Kept means z is above the z needed. Layers are tested from the output to the input.")


def _why_no_decisions(document: RunDocument, level: int) -> str:
    """Say why a run has no decisions to show, and where they and its slim networks are if they are kept elsewhere."""
    spec = RunSpec.from_json(document["spec"])
    if not isinstance(spec.settings, Decider):
        return "This pruner ranks units without testing them, so it has no decisions to show."
    if entry_of(document, level)["confidence"] is None:
        return "This run has fixed ratios; decisions are shown for confidence levels."
    name = whole(spec)
    if name is None:
        return "This pruner tests units, but this document was kept without its decisions."
    return (
        "This run of a comparison was kept as figures only. Its decisions and slim networks are in "
        f"[the run with every level](./?run={name}&level={level})."
    )
