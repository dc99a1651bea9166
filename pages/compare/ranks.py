"""The table at one share of one cost, and accuracy against time."""

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from mipp_core.figures import AXES, time_chart
from mipp_core.reports.comparison_tables import accuracy_table, latex_table, seconds_table
from mipp_core.reports.ranking import COST_NAMES, elsewhere, ranking, ranking_latex, usual_share
from mipp_core.reports.standing import COSTS
from mipp_core.reports.verdicts import leading
from pages.compare.choosing import Documents, Shown, one_of
from pages.shared.plain import plainly


def tall(table: pd.DataFrame) -> int:
    """Return the height in pixels that shows every row."""
    return 38 + 35 * len(table)


def place(shown: Shown) -> tuple[str, float]:
    """Draw the choice of a cost and of a share of it, and return both."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        x = one_of("Equal", list(COSTS), "cmp_axis", format_func=COST_NAMES.__getitem__)
        table = shown.at_equal_cost(x)
        percent = st.slider(
            f"{AXES[x]} (%)",
            1,
            99,
            value=round(100 * usual_share(table, shown.pruners)),
            key=f"cmp_share_{x}",
            bind="query-params",
            width=420,
            help="The table, the chart of times and the dotted line in the charts are at this share.",
        )
    return x, percent / 100


def headline(shown: Shown, x: str, share: float) -> None:
    """Say in a sentence who keeps most accuracy there, and how those in colour stand to it."""
    said = leading(shown.at_equal_cost(x), share, shown.pruners, shown.look.pins)
    if said is not None:
        name, reached, others = said
        st.header(f"{share:.0%} of {_lower(x)} removed: {plainly(name)} keeps most, {reached}%", anchor=False)
        st.markdown(plainly(others))


def ranks(documents: Documents, shown: Shown, x: str, share: float) -> None:
    """Draw the table and its downloads."""
    st.header("At equal cost", anchor=False)
    table = shown.at_equal_cost(x)
    ranked = ranking(table, seconds_table(documents), x, share, shown.pruners)
    if ranked.empty:
        spans = elsewhere(table, share, shown.names)
        st.info(
            f"Nobody has a point near {share:.0%}. {_spans(spans)}" if spans else f"Nobody has a {shown.words} here.",
            icon=":material/info:",
        )
        return
    st.dataframe(
        _styled(ranked, shown),
        height=tall(ranked),
        hide_index=True,
        column_config=_columns(shown),
        alt=f"All entries with {share:.0%} of {COST_NAMES[x].lower()} removed, the best first",
        placeholder="–",
    )
    others = elsewhere(table, share, shown.names)
    st.caption(
        f"What to see: how many are *= tied* with the best. {shown.words.capitalize()}, with {share:.0%} of "
        f"{_lower(x)} removed, read from each seed's own curve; *difference* in points to the best pruner, "
        f"by the rule below. Controls have no rank.{f' Not known at {share:.0%}: {_spans(others)}' if others else ''}"
    )
    name = f"comparison-{x}-{share:.0%}".replace("%", "").replace("_", "-")
    with st.container(horizontal=True):
        _download("This table (CSV)", ranked.to_csv(index=False), f"{name}.csv", "text/csv")
        _download("This table (LaTeX)", ranking_latex(ranked), f"{name}.tex", "text/plain")
        _download("Points (CSV)", shown.points.to_csv(index=False), "comparison.csv", "text/csv")
        _download("Levels (LaTeX)", latex_table(shown.points, shown.measure), "comparison.tex", "text/plain")


def _lower(x: str) -> str:
    return "the MACs" if x == "macs_removed" else f"the {COST_NAMES[x].lower()}"


def _spans(spans: dict[str, str]) -> str:
    return plainly("; ".join(f"{name} (is {where})" for name, where in spans.items()) + ".")


def _styled(ranked: pd.DataFrame, shown: Shown) -> Styler:
    """Mark the highlighted rows with their colours."""

    def row(values: pd.Series) -> list[str]:
        look = shown.look
        colour = f"background-color: {look.colour(values.Entry)}38" if values.Entry in look.pins else ""
        return [colour] * len(values)

    shares = {name: 100 * ranked[name] for name in map(str, ranked) if name.endswith(" removed")}
    return ranked.assign(**shares).style.apply(row, axis=1)


def _columns(shown: Shown) -> dict:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    shares = {f"{words} removed": number(f"{words} removed", format="%.0f%%") for words in COST_NAMES.values()}
    return {
        "Rank": number("#", width=40, pinned=True, help="By the mean, among pruners."),
        "Entry": text("Entry", pinned=True, width=160),
        "Accuracy": text("Accuracy, %", help=f"{shown.words.capitalize()}: mean ± standard deviation over seeds."),
        "Difference": number("Difference", format="%+.2f", help="To the best pruner, in points."),
        "Against the best": text("Against the best", help="= tied: the seeds explain the difference."),
        **shares,
        "Seconds": number("Seconds", format="%.1f", help="To prune, all levels together; mean over seeds."),
    }


def _download(label: str, data: str, file_name: str, mime: str) -> None:
    st.download_button(label, data, file_name, mime, on_click="ignore", icon=":material/download:")


def times(documents: Documents, shown: Shown, x: str, share: float) -> None:
    """Draw accuracy against the time to prune."""
    st.header("Accuracy against time", anchor=False)
    seconds = seconds_table(documents)
    table = shown.at_equal_cost(x)
    here = table[(table.share - share).abs() < 1e-9].merge(seconds[["entry", "seconds"]], on="entry")
    here = here[here.entry.isin(shown.pruners)]
    if here.empty:
        st.caption(f"Nobody has a point near {share:.0%}.")
        return
    st.plotly_chart(
        time_chart(here, shown.look),
        key="cmp_times",
        alt=f"{shown.look.title} with {share:.0%} of {_lower(x)} removed, by seconds to prune",
    )
    devices = ", ".join(sorted(set(seconds.device)))
    corner = "lower" if shown.look.as_error else "upper"
    st.caption(
        f"What to see: the {corner} left corner is fast and accurate. With {share:.0%} of {_lower(x)} removed; seconds "
        f"are means over seeds, all levels together, on {devices}. "
        "MIPP decides all its levels; others only those shown."
    )


def by_level(shown: Shown) -> None:
    """Draw the accuracies at every level, unread from any curve."""
    with st.expander("Every level in numbers"):
        removed = shown.points.groupby("level").sparsity.mean()
        table = accuracy_table(shown.points, shown.measure)
        table.columns = [f"Level {level}: {removed[level]:.1%}" for level in table.columns]
        table.index.name = "Pruner or control"
        st.dataframe(table, height=tall(table), alt="Accuracy of every entry at every level", placeholder="–")
        st.caption(
            "What to see: the numbers as measured, in percent, mean ± standard deviation over seeds; the share is the "
            "units removed, mean over all entries."
        )
