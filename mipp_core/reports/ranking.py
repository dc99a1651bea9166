"""The entries of a comparison at one share of one cost, as a table to read, to download and to print."""

from collections.abc import Sequence

import pandas as pd

from mipp_core.reports.standing import COSTS, standings, summaries
from mipp_core.reports.verdicts import percent, ranges

MARKS = {
    "best": "best",
    "tied": "= tied",
    "scattered": "scattered",
    "behind": "behind",
    "ahead": "ahead",
    "open": "one seed",
}
"""How an entry stands to the best pruner, as the table says it; ``ahead`` is for controls."""

COST_NAMES = {"sparsity": "Units", "parameters_removed": "Parameters", "macs_removed": "MACs"}
"""What each cost is called in a column."""


def ranking(
    table: pd.DataFrame, seconds: pd.DataFrame, x: str, share: float, contenders: Sequence[str]
) -> pd.DataFrame:
    """Return the entries at one share of one cost, the best first.

    Args:
        table: what ``at_equal_cost`` returns for this cost.
        seconds: what ``seconds_table`` returns.
        x: the cost, one of ``COSTS``.
        share: one of the table's shares, in [0, 1]; others give an empty table.
        contenders: entries that have ranks; controls, for example, are listed without one.

    Returns:
        columns Rank, Entry, Accuracy (mean ± standard deviation over seeds, in percent, as words), Against the best
        (one of ``MARKS``), Difference (to the best pruner, in points), the two other costs (shares removed, in [0, 1])
        and Seconds (to prune, all levels; missing for controls).
    """
    rows = standings(table, share, contenders)
    known = next(iter(summaries(rows).values()), {})
    timed = rows.entry.map(seconds.set_index("entry").seconds)
    costs = {f"{COST_NAMES[name]} removed": rows[name] for name in COSTS if name != x}
    columns = {
        "Rank": rows["rank"],
        "Entry": rows.entry,
        "Accuracy": [percent(found) for found in known.values()],
        "Against the best": rows.against.map(MARKS),
        "Difference": 100 * rows.difference,
        **costs,
        "Seconds": timed.astype(float),
    }
    return pd.DataFrame(columns)


def usual_share(table: pd.DataFrame, contenders: Sequence[str]) -> float:
    """Return the share, in [0, 1], that has most contenders; of several the middle one; a half where there is none."""
    counts = table[table.entry.isin(list(contenders)) & (table.share > 0)].groupby("share").size()
    if counts.empty:
        return 0.5
    most = counts[counts == counts.max()].index
    return float(most[len(most) // 2])


def elsewhere(table: pd.DataFrame, share: float, names: Sequence[str]) -> dict[str, str]:
    """Return entries that are not known at a share, each with the shares at which it is, in words."""
    here = set(table[(table.share - share).abs() < 1e-9].entry)
    known = table[(table.share > 0) & table.entry.isin(list(names)) & ~table.entry.isin(here)]
    every = sorted(table.share.unique().tolist())
    return {str(name): ranges(sorted(rows.share.tolist()), every) for name, rows in known.groupby("entry", sort=False)}


def ranking_latex(ranked: pd.DataFrame) -> str:
    """Return what ``ranking`` returns as a LaTeX table."""
    shown = ranked.assign(
        Rank=ranked.Rank.map(lambda rank: "--" if pd.isna(rank) else str(rank)),
        Entry=ranked.Entry.astype(str).str.replace("&", "\\&"),
        Accuracy=ranked.Accuracy.astype(str).str.replace("±", r"$\pm$"),
        Difference=ranked.Difference.map("{:+.2f}".format),
        Seconds=ranked.Seconds.map(lambda taken: "--" if pd.isna(taken) else f"{taken:.1f}"),
    )
    for name in (name for name in map(str, shown) if name.endswith(" removed")):
        shown[name] = (100 * shown[name]).map("{:.1f}\\%".format)
    return shown.to_latex(index=False, escape=False)
