"""What a comparison shows."""

from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from mipp_core.data import shown as named
from mipp_core.figures import ratio_map
from mipp_core.pruners import describe
from mipp_core.reports.comparison import ENTRIES, entries_that
from mipp_core.reports.comparison_tables import (
    BIN,
    collapse_table,
    first_collapses,
    points_table,
    ratio_table,
)
from pages.compare import charts, claims, ranks, traits
from pages.compare.choosing import Documents, choose, epochs_differ, is_trained
from pages.compare.ranks import tall
from pages.shared.chips import in_paper
from pages.shared.plain import plainly


def show(documents: Documents) -> None:
    """Draw every panel."""
    points = points_table(documents)
    shown = choose(documents, points)
    if not shown.names:
        st.info(f"No run has a {shown.words}.", icon=":material/info:")
    else:
        x, share = ranks.place(shown)
        ranks.headline(shown, x, share)
        charts.charts(documents, shown, x, share)
        charts.missing(points, shown)
        _epochs(documents)
        ranks.ranks(documents, shown, x, share)
        ranks.by_level(shown)
        charts.verdicts(shown)
        ranks.times(documents, shown, x, share)
    _collapse(documents, points)
    _ratios(documents, points)
    traits.panel(documents, points)
    claims.panel()
    _card(list(documents))
    _provenance(documents)


def _epochs(documents: Documents) -> None:
    """Say how long each line was trained, where that differs."""
    spec = next(iter(documents.values()))[0]["spec"]
    dense, again = spec["network"]["recipe"]["epochs"], spec["retraining"]["epochs"]
    rewinding = entries_that(lambda settings: settings.rewinds)
    if is_trained(documents):
        st.caption(
            f"Epochs: the dense network has {dense}, pruned networks {again} more; {rewinding} and fresh weights have "
            f"{dense}, from the start."
        )
    elif epochs_differ(documents):
        st.caption(
            f"Epochs: networks were pruned at initialisation and then trained for {again}. The dense network, trained "
            f"for {dense}, is not a fair line to hold them against and is not drawn. Accuracies before training are "
            "chance and not shown."
        )


def _collapse(documents: Documents, points: pd.DataFrame) -> None:
    st.header("Collapse rate", anchor=False)
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
    table.columns = [f"{low:.0%}" for low in map(float, table.columns)]
    table.index.name = "Pruner"
    st.dataframe(
        _shaded(table), height=tall(table), alt="Share of runs that stay at chance, by pruner and units removed",
        placeholder=" ",
        column_config={name: st.column_config.Column(width=44) for name in map(str, table)},
    )  # fmt: skip
    st.caption(
        "What to see: how far to the right a row stays at 0%. Share of runs that are still at chance after training, "
        f"by units removed; a column goes from its percent up to {100 * BIN:.0f} more. Empty: no run there."
    )


def _shaded(table: pd.DataFrame) -> Styler:
    def shade(share: Any) -> str:
        return f"background-color: rgba(136, 136, 136, {0.75 * share:.2f})" if share > 0 else ""

    return table.style.map(shade).format("{:.0%}", na_rep=" ")


def _some(layers: list[str], most: int = 2) -> str:
    return ", ".join(layers[:most]) + (f" and {len(layers) - most} more" if layers[most:] else "")


def _ratios(documents: Documents, points: pd.DataFrame) -> None:
    st.header("Where the units go", anchor=False)
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
    st.plotly_chart(ratio_map(table), key="cmp_ratios", alt="Normalised pruning ratio of every layer, by pruner")
    st.caption(
        "What to see: which layers each pruner spares (slate) and which it empties (sand). A layer's pruning ratio "
        "divided by the run's mean over layers."
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
        f"{network['model']} on {named(network['dataset'])}, trained for {network['recipe']['epochs']} epochs, pruned "
        f"networks {words} for {spec['retraining']['epochs']}{in_paper(network['dataset'])}; {rewinding} rewinds, so "
        f"its networks are trained like the dense one. {run['device']}; {versions}."
    )
