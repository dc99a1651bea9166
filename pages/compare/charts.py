"""The verdict on every axis, and the charts that it was read from."""

from typing import Any

import pandas as pd
import streamlit as st

from mipp_core.figures import AXES, ceiling, comparison_panels, cost_chart, unit_map
from mipp_core.reports.comparison import ENTRIES
from mipp_core.reports.comparison_tables import CONTROL_NAMES
from mipp_core.reports.standing import COSTS, GAP
from mipp_core.reports.tables import layer_table
from mipp_core.reports.verdicts import control_verdict, verdict
from mipp_core.runs import entry_of
from mipp_core.vocabulary import INPUT
from pages.compare.choosing import ORDER, Documents, Shown
from pages.shared.plain import plainly

RULE = (
    "**Tied** means that the seeds explain the difference of the means: it is within t times its pooled standard error "
    "(Student's two-sided 5% test), and, from three seeds each, some seed of the lower one reaches the other's worst. "
    "*Scattered*: tied only because its seeds lie over ten times as far apart as the other's. With one seed "
    "nothing can be told."
)


def verdicts(shown: Shown) -> None:
    """Say where the highlighted entry stands along every axis, a sentence for each."""
    st.header(f"Where {plainly(shown.subject)} stands", anchor=False)
    lines = []
    for x in COSTS:
        table = shown.at_equal_cost(x)
        lines.append(f"- **{AXES[x]}:** {plainly(verdict(table, shown.subject, shown.pruners))}")
    if shown.subject == "MIPP" and shown.controls:
        table = shown.at_equal_cost("sparsity")
        found = control_verdict(table, "MIPP", shown.controls)
        lines += [f"- **Controls** beside MIPP, every cost the same: {plainly(found)}"] if found else []
    st.markdown("\n".join(lines))
    seeds = shown.points.seed.nunique()
    spread = f"mean ± standard deviation of {seeds} seeds" if seeds > 1 else "one seed"
    st.caption(f"{shown.words.capitalize()}, in %, {spread}, at the same share removed. {RULE}")


def charts(documents: Documents, shown: Shown, x: str, share: float) -> None:
    """Draw the view that was chosen; a click on a point shows its keep-masks.

    Args:
        documents: the runs.
        shown: what to show of them.
        x: the axis of the table below.
        share: that the table is at, in [0, 1]; marked on that axis.
    """
    picked: list[list[Any]] = []
    if shown.view == "three axes":
        with st.container(horizontal=True):  # as many beside each other as there is room for
            for axis in COSTS:
                picked += _chart(shown, axis, share if axis == x else None, is_large=False)
    elif shown.view == "a panel each":
        lines = shown.lines(x)
        figure = comparison_panels(lines, shown.points, shown.measure, x, ORDER, shown.look)
        st.plotly_chart(figure, key="cmp_panels", config=_picture(), alt=f"{shown.look.title}, a panel for each entry")
    else:
        picked += _chart(shown, x, share, is_large=True)
    st.caption(
        f"What to see: who is {'lowest' if shown.look.as_error else 'highest'} at the same share removed. Dots are "
        "what was measured: point at one for its name, click it for its keep-masks. Lines are means over seeds; there "
        f"is none where a seed has no point, or neighbouring points are over {100 * GAP:.0f}% of the axis apart. Bands "
        "span the seeds. "
        f"{_outside(shown)}A double click shows everything."
    )
    _selected(documents, picked)


def _outside(shown: Shown) -> str:
    """Say what is above the picture."""
    top, above = ceiling(shown.points, shown.measure, shown.look)
    if top is None:
        return ""
    never = f"; {plainly(', '.join(above))}: nowhere lower" if above else ""
    return f"Errors over {top:.0%} are above the picture{never}. "


def _chart(shown: Shown, x: str, share: float | None, is_large: bool) -> list[list[Any]]:
    """Draw one axis and return what was clicked."""
    lines = shown.lines(x)
    figure = cost_chart(lines, shown.points, shown.measure, x, shown.look, share, is_large)
    chosen = st.plotly_chart(
        figure,
        key=f"cmp_curves_{x}",
        on_select="rerun",
        selection_mode="points",
        config=_picture(),
        alt=f"{shown.look.title}, of every entry by {AXES[x].lower()}; {shown.subject} highlighted",
    )
    return [point["customdata"] for point in chosen.selection.points if len(point.get("customdata") or ()) > 3]


def _picture() -> dict[str, Any]:
    return {
        "toImageButtonOptions": {"format": st.session_state.get("cmp_picture", "png"), "scale": 2},
        "displaylogo": False,
    }


def _selected(documents: Documents, points: list[list[Any]]) -> None:
    """Show the keep-masks of the point that was clicked."""
    for name, level, seed, _, hash_, *_ in points[:1]:
        run = next((run for runs in documents.values() for run in runs if run["hash"] == hash_), None)
        if run is None:
            return
        with st.container(border=True):
            st.markdown(f"**{name}**, level {level}, seed {seed}: [open it in Explore](./?run={hash_}&point={level})")
            if name in CONTROL_NAMES.values():
                st.caption("A control keeps as many units in each layer as MIPP; below are MIPP's.")
            layers = layer_table(entry_of(run, level))
            st.plotly_chart(
                unit_map(layers[layers.name != INPUT]), key="cmp_units", alt="Kept and removed units of each layer"
            )
            st.caption("What to see: which units stay (dark) and which go (faint), layer by layer.")


def missing(points: pd.DataFrame, shown: Shown) -> None:
    """Say who has no value of the accuracy that is shown."""
    without = [name for name in ORDER if name in set(points.entry) and name not in shown.names]
    without = [name for name in without if name in ENTRIES or shown.controls]
    if without:
        st.caption(f"Without a {shown.words}: {plainly(', '.join(without))}.")
