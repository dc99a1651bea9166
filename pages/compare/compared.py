"""What a comparison shows."""

from typing import Any

import pandas as pd
import streamlit as st

from mipp_core.data import shown
from mipp_core.figures import AXES, comparison_curves, comparison_panels, seconds_bars, share_map, unit_map
from mipp_core.pruners import describe
from mipp_core.reports.comparison import ENTRIES, entries_that
from mipp_core.reports.comparison_tables import (
    BIN,
    CONTROL_NAMES,
    accuracy_table,
    characteristics,
    collapse_table,
    first_collapses,
    latex_table,
    mean_curve,
    points_table,
    ratio_table,
    seconds_table,
    standing,
)
from mipp_core.reports.tables import MEASURES, layer_table
from mipp_core.runs import entry_of
from mipp_core.runs.document import RunDocument
from mipp_core.vocabulary import INPUT
from pages.shared.chips import in_paper
from pages.shared.plain import plainly

ORDER = (*ENTRIES, *CONTROL_NAMES.values())
"""Every name a curve may have; its place here sets its style, whatever else is shown."""

Documents = dict[str, list[RunDocument]]


def show(documents: Documents) -> None:
    """Draw every panel."""
    points = points_table(documents)
    measure = _curves(documents, points)
    _numbers(points, measure)
    left, right = st.columns(2, gap="large")
    with left:
        _collapse(documents, points)
        _seconds(documents)
    with right:
        _ratios(documents, points)
    _characteristics(documents, points)
    _card(list(documents))
    _provenance(documents)


def _curves(documents: Documents, points: pd.DataFrame) -> str:
    st.subheader("Accuracy against sparsity", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        stage = _choice("Accuracy", _stages(points), "cmp_stage", default="retrained")
        split = _choice("On", ["test", "train"], "cmp_split", help="Train: on 10,000 training images at most.")
        x = _choice("Horizontal axis", list(AXES), "cmp_axis", format_func=AXES.__getitem__)
        view = _choice("View", ["one chart", "panels"], "cmp_view", help="Panels: one per pruner, the others in grey.")
        scale = _choice("Show", ["accuracy", "error (log)"], "cmp_scale", help="Errors show small differences.")
        with_controls = st.toggle(
            "Show MIPP's controls",
            key="cmp_controls",
            bind="query-params",
            help="Other units, or fresh weights, with as many units in each layer as MIPP keeps.",
        )
    measure = f"{split}_{stage}"
    shown = points if with_controls else points[points.entry.isin(ENTRIES)]
    names = [name for name in ORDER if name in set(shown.entry)]
    pinned = st.pills(
        "Pin", names, selection_mode="multi", key="cmp_pinned", bind="query-params", help="The others fade."
    )
    curves = mean_curve(shown, measure, x)
    if curves.empty:
        st.info(f"No run has {stage} accuracies on the {split} split.", icon=":material/info:")
        return measure
    as_error = scale != "accuracy" and view != "panels"
    title = f"{split.capitalize()} {'error' if as_error else 'accuracy'}, {stage}"
    if view == "panels":
        figure, dense = comparison_panels(curves, ORDER, x, title), None
    else:
        dense = _dense(documents, split)
        figure = comparison_curves(curves, ORDER, dense, x, title, pinned, as_error)
    chosen = st.plotly_chart(
        figure,
        key="cmp_curves",
        on_select="rerun",
        selection_mode="points",
        config={"toImageButtonOptions": {"format": st.session_state.get("cmp_picture", "png"), "scale": 2}},
        alt=f"{title}, of every pruner by share removed",
    )
    st.caption(
        "What to see: whose curve stays up longest. Lines are means over seeds, bands go from the lowest to the "
        f"highest; the dotted line is the dense network{'' if dense is None else f' ({dense:.2%})'}. Click a name in "
        "the legend to hide it, twice to see it alone; click a point for its keep-masks."
    )
    _selected(documents, [point["customdata"] for point in chosen.selection.points if point.get("customdata")])
    return measure


def _stages(points: pd.DataFrame) -> list[str]:
    """Return the accuracies to choose from: recalibrated ones only where some run has one."""
    known = points.test_recalibrated.notna().any()
    return [name for name in MEASURES if known or name != "recalibrated"]


def _choice(label: str, options: list[str], key: str, default: str | None = None, **more: Any) -> str:
    return st.segmented_control(
        label, options, default=default or options[0], required=True, key=key, bind="query-params", wrap=True, **more
    )


def _dense(documents: Documents, split: str) -> float | None:
    found = {
        run["spec"]["network"]["seed"]: run["dense_accuracy"] if split == "test" else run.get("dense_train_accuracy")
        for runs in documents.values()
        for run in runs
    }
    known = [value for value in found.values() if value is not None]
    return sum(known) / len(known) if known else None


def _selected(documents: Documents, points: list[list[Any]]) -> None:
    """Show the keep-masks of the point that was clicked."""
    for name, level, *_, hash_ in points[:1]:
        run = next((run for runs in documents.values() for run in runs if run["hash"] == hash_), None)
        if run is None:
            return
        seed = run["spec"]["network"]["seed"]
        with st.container(border=True):
            st.markdown(f"**{name}**, level {level}, seed {seed}: [open it in Explore](./?run={hash_}&point={level})")
            if name in CONTROL_NAMES.values():
                st.caption("A control keeps as many units in each layer as MIPP; below are MIPP's.")
            layers = layer_table(entry_of(run, level))
            st.plotly_chart(
                unit_map(layers[layers.name != INPUT]), key="cmp_units", alt="Kept and removed units of each layer"
            )


def _numbers(points: pd.DataFrame, measure: str) -> None:
    st.subheader("In numbers", anchor=False)
    st.markdown("\n".join(f"- {sentence}" for sentence in standing(points, measure)))
    removed = points.groupby("level").sparsity.mean()
    table = accuracy_table(points, measure)
    table.columns = [f"Level {level}: {removed[level]:.1%}" for level in table.columns]
    table.index.name = "Pruner or control"
    st.dataframe(table, height=_tall(table), alt="Accuracy of every pruner at every level", placeholder="–")
    st.caption("Accuracy in percent, mean ± standard deviation over seeds; the share is the units removed.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _choice("Camera above the chart saves", ["png", "svg"], "cmp_picture")
        _download("Points (CSV)", points.to_csv(index=False), "comparison.csv", "text/csv")
        _download("Table (LaTeX)", latex_table(points, measure), "comparison.tex", "text/plain")


def _tall(table: pd.DataFrame) -> int:
    """Return the height in pixels that shows every row."""
    return 38 + 35 * len(table)


def _download(label: str, data: str, file_name: str, mime: str) -> None:
    st.download_button(label, data, file_name, mime, on_click="ignore", icon=":material/download:")


def _collapse(documents: Documents, points: pd.DataFrame) -> None:
    st.subheader("Collapse rate", anchor=False)
    first = first_collapses(documents)
    if first:
        said = [f"{name} ({_some(dead)}) from {share:.1%}" for name, (share, dead) in first.items()]
        st.warning(
            f"**Layer collapse:** {'; '.join(said)} of the units removed. Such a layer has no unit left, so the "
            "network gives one answer for every image.",
            icon=":material/warning:",
        )
    table = collapse_table(points[points.entry.isin(ENTRIES)])
    if table.empty:
        st.caption("No network has been retrained.")
        return
    columns = [f"{low:.0%}–{low + BIN:.0%}" for low in map(float, table.columns)]
    figure = share_map(table, columns, "of runs untrainable")
    st.plotly_chart(figure, key="cmp_collapse", alt="Share of runs that stay at chance, by pruner and sparsity")
    st.caption(
        "Share of runs that are still at chance after retraining, in bins of units removed. Empty cells: no run there."
    )


def _some(layers: list[str], most: int = 2) -> str:
    return ", ".join(layers[:most]) + (f" and {len(layers) - most} more" if layers[most:] else "")


def _ratios(documents: Documents, points: pd.DataFrame) -> None:
    st.subheader("Where the units go", anchor=False)
    levels = sorted(points.level.unique().tolist())
    removed = points.groupby("level").sparsity.mean()
    level = st.select_slider(
        "At level",
        levels,
        value=levels[len(levels) // 2],
        format_func=lambda number: f"{number} ({removed[number]:.0%} removed)",
        key="cmp_level",
        help="Level of the sweep; in brackets the share of units removed.",
    )
    table = ratio_table(documents, level)
    figure = share_map(table, list(table.columns), "times the run's mean ratio", middle=1.0)
    st.plotly_chart(figure, key="cmp_ratios", alt="Normalised pruning ratio of every layer, by pruner")
    st.caption("Each layer's pruning ratio divided by the run's mean over layers: above 1, a layer loses more.")


def _seconds(documents: Documents) -> None:
    st.subheader("Time to prune", anchor=False)
    table = seconds_table(documents)
    st.plotly_chart(seconds_bars(table, ORDER), key="cmp_seconds", alt="Seconds that each pruner takes")
    devices = ", ".join(sorted(set(table.device)))
    st.caption(
        f"Mean over seeds, all levels together, on {devices}. MIPP decides all 20 levels; others only those shown."
    )


def _characteristics(documents: Documents, points: pd.DataFrame) -> None:
    st.subheader("Characteristics", anchor=False)
    table = characteristics(documents, points)
    tick = {
        name: st.column_config.CheckboxColumn(name.capitalize(), help=words)
        for name, words in {
            "data-dependent": "Looks at images.",
            "labels": "Looks at labels.",
            "gradients": "Takes gradients of the loss.",
            "activation-based": "Looks at activations.",
            "adjacent layer": "Judges units by what the next layer reads.",
            "at initialisation": "Needs no training.",
            "own ratio": "Finds how much to prune by itself.",
            "structured": "Seen in these runs: whatever it removed made the network smaller.",
            "layer-wise ratios": "Seen in these runs: layers lost different shares.",
            "collapse-resistant": "Seen in these runs: no layer collapse, and none untrainable.",
        }.items()
    }
    share = {
        "first collapse": st.column_config.NumberColumn(
            "First collapse",
            format="percent",
            help="Seen: the smallest share of units removed with a layer collapse or an untrainable network.",
        ),
        "highest seen": st.column_config.NumberColumn(
            "Looked at up to", format="percent", help="The largest share of units removed in these runs."
        ),
    }
    st.dataframe(
        table,
        height=_tall(table),
        column_config=tick | share,
        alt="What each pruner needs and does",
        placeholder="never",
    )
    st.caption(
        "What a pruner looks at is declared in its code and checked by its tests. Whether it is structured, treats "
        "layers differently and resists collapse was seen in these runs."
    )


def _card(names: list[str]) -> None:
    name = st.selectbox("What it does", names, key="cmp_card", bind="query-params", help="A pruner's own description.")
    card = describe(ENTRIES[name].settings)
    with st.container(border=True):
        st.markdown(plainly(f"{card.source}\n\n{card.text}"))
        if card.example:
            st.code(card.example, language="python", wrap_lines=True)


def _provenance(documents: Documents) -> None:
    run = next(iter(documents.values()))[0]
    spec = run["spec"]
    versions = ", ".join(f"{name} {number}" for name, number in run["versions"].items())
    words = "retrained" if spec["trained"] else "trained"
    rewinding = entries_that(lambda settings: settings.rewinds)
    st.divider()
    network = spec["network"]
    st.caption(
        f"{network['model']} on {shown(network['dataset'])}, trained for {network['recipe']['epochs']} epochs, pruned "
        f"networks {words} for {spec['retraining']['epochs']}{in_paper(network['dataset'])}; {rewinding} rewinds, so "
        f"its networks are trained like the dense one. {run['device']}; {versions}."
    )
