"""Who is ahead at equal cost.

Entries remove different units, so the same share of units is another share of the parameters and of the MACs.  To
compare them at a common share, every seed's own curve is read there by linear interpolation between its neighbouring
points, and never outside its range or in a gap wider than ``GAP``.  Means and standard deviations are over seeds.

One entry is *behind* another if its mean is lower by more than the seeds explain, else the two are *tied*.  The seeds
explain t times the pooled standard error of the difference, where t is Student's 97.5% quantile (the two-sided 5% test
for two samples).  One unlucky seed makes that standard error so large that it would explain anything; so from three
seeds each, an entry none of whose seeds reaches the other's worst one is behind, too (by chance, 1 in 20 at most).
And the lower one of a tie is called *scattered* if its seeds lie more than ``SCATTER`` times as far apart as the
other's: nothing is proved against it, yet it does not do the same.  With one seed the two stand *open*.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

SHARES = tuple(percent / 100 for percent in range(101))
"""Shares removed at which entries are compared: every whole percent."""

GAP = 0.35
"""Of the axis; between neighbouring points that are further apart nothing is known.  Neighbouring levels of one run lie
up to a third of the MACs apart; what must not be bridged are the two thirds between its first level and the next."""

NEAR = 0.005
"""A point this near a share counts as measured there, since units are whole: 74.8% is 75%."""

COSTS = ("sparsity", "parameters_removed", "macs_removed")
"""What may be equal: shares of units, parameters and MACs removed; columns of ``points_table``."""

_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's 97.5% quantiles for 1 to 10 degrees of freedom; the last serves, a little cautiously, for more."""

SCATTER = 10
"""Ratio of standard deviations; with three seeds each, 1 in 100 by chance."""

_SEEDS_TO_SEPARATE = 3

Told = Literal["ahead", "tied", "scattered", "behind", "open"]
"""How one entry stands to another."""


class Summary(NamedTuple):
    """One entry's accuracy at one share, in [0, 1], over seeds; the deviation is NaN for one seed."""

    seeds: int
    mean: float
    deviation: float
    low: float
    high: float


def told(one: Summary, other: Summary) -> Told:
    """Say how one entry stands to another; see the module for the rule."""
    if min(one.seeds, other.seeds) < 2:
        return "open"
    if abs(one.mean - other.mean) <= explained(one, other) and not _separated(one, other):
        is_wide = one.mean < other.mean and one.deviation > SCATTER * other.deviation
        return "scattered" if is_wide else "tied"
    return "ahead" if one.mean > other.mean else "behind"


def explained(one: Summary, other: Summary) -> float:
    """Return the largest difference of two means, in [0, 1], that the seeds explain; both have two seeds at least."""
    freedom = one.seeds + other.seeds - 2
    squares = (one.seeds - 1) * one.deviation**2 + (other.seeds - 1) * other.deviation**2
    error = sqrt(squares / freedom * (1 / one.seeds + 1 / other.seeds))
    return _T[min(freedom, len(_T)) - 1] * error + 1e-12


def _separated(one: Summary, other: Summary) -> bool:
    """Tell whether no seed of the lower entry reaches the other's worst."""
    lower, upper = sorted((one, other), key=lambda each: each.mean)
    return min(one.seeds, other.seeds) >= _SEEDS_TO_SEPARATE and lower.high < upper.low


def read_at(where: np.ndarray, values: np.ndarray, shares: Sequence[float], near: float = NEAR) -> np.ndarray:
    """Read a curve at shares, linearly between its points; NaN outside its range and in gaps wider than ``GAP``.

    Args:
        where: shares in [0, 1] at which it is known, ascending and distinct; shape (n,), n at least 1.
        values: what is known there; shape (n, k).
        shares: where to read it; shape (s,).
        near: a point at most this far from a share counts as measured there.

    Returns:
        shape (s, k).
    """
    wanted = np.asarray(shares, dtype=float)
    distances = np.abs(where[:, None] - wanted[None, :])
    closest = distances.argmin(0)
    found = np.where((distances.min(0) <= near + 1e-9)[:, None], values[closest], np.nan)
    if len(where) > 1:
        right = np.searchsorted(where, wanted).clip(1, len(where) - 1)
        width = where[right] - where[right - 1]
        inside = (wanted >= where[0]) & (wanted <= where[-1]) & (width <= GAP + 1e-9)
        weight = ((wanted - where[right - 1]) / width)[:, None]
        between = (1 - weight) * values[right - 1] + weight * values[right]
        found = np.where(inside[:, None], between, found)
    return found


def at_equal_cost(
    points: pd.DataFrame, measure: str, x: str, shares: Sequence[float] = SHARES, near: float = NEAR
) -> pd.DataFrame:
    """Return what each entry reaches at common shares: mean, deviation, low, high over seeds, and its other costs.

    A row per entry and share at which all of its seeds that have the measure are known.

    Args:
        points: what ``points_table`` returns.
        measure: a column of accuracies in [0, 1]; rows without it are left out.
        x: the cost that is made equal, one of ``COSTS``.
        shares: of that cost, in [0, 1].
        near: see ``read_at``.

    Returns:
        columns entry, share, seeds, mean, deviation (NaN for one seed), low, high, and the means of ``COSTS``.
    """
    known = points.dropna(subset=[measure])
    parts = [
        _of_entry(str(entry), rows, measure, x, shares, near) for entry, rows in known.groupby("entry", sort=False)
    ]
    columns = ["entry", "share", *Summary._fields, *COSTS]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _of_entry(
    entry: str, rows: pd.DataFrame, measure: str, x: str, shares: Sequence[float], near: float
) -> pd.DataFrame:
    seeds, places = rows.seed.to_numpy(), rows[x].to_numpy(float)
    values = rows[[measure, *COSTS]].to_numpy(float)
    read = [_of_seed(places[seeds == seed], values[seeds == seed], shares, near) for seed in np.unique(seeds)]
    stacked = np.stack(read)  # seeds, shares, columns
    known = ~np.isnan(stacked).any(axis=(0, 2))
    stacked, accuracy = stacked[:, known], stacked[:, known, 0]
    deviation = accuracy.std(0, ddof=1) if len(read) > 1 else np.full(accuracy.shape[1], np.nan)
    table = {
        "entry": entry,
        "share": np.asarray(shares, dtype=float)[known],
        "seeds": len(read),
        "mean": accuracy.mean(0),
        "deviation": deviation,
        "low": accuracy.min(0),
        "high": accuracy.max(0),
        **dict(zip(COSTS, stacked[:, :, 1:].mean(0).T, strict=True)),
    }
    return pd.DataFrame(table)


def _of_seed(places: np.ndarray, values: np.ndarray, shares: Sequence[float], near: float) -> np.ndarray:
    """Read one seed's curve; of points at the same place, the mean counts."""
    where, owners = np.unique(places, return_inverse=True)
    sums = np.zeros((len(where), values.shape[1]))
    np.add.at(sums, owners, values)
    return read_at(where, sums / np.bincount(owners)[:, None], shares, near)


def mean_lines(points: pd.DataFrame, measure: str, x: str) -> pd.DataFrame:
    """Return ``at_equal_cost`` for a chart: at every whole percent and at every point, so that no corner is cut.

    Between the first and the last share of an entry, those at which it is not known have NaN in place of numbers: a
    line is broken there.
    """
    parts = []
    for _, rows in points.dropna(subset=[measure]).groupby("entry", sort=False):
        shares = sorted({*SHARES, *rows[x].tolist()})
        line = at_equal_cost(rows, measure, x, shares, near=0.0)
        if len(line):
            inside = [share for share in shares if line.share.min() <= share <= line.share.max()]
            line = line.set_index("share").reindex(inside).rename_axis("share").reset_index()
            parts.append(line.assign(entry=rows.entry.iloc[0]))
    return pd.concat(parts, ignore_index=True) if parts else at_equal_cost(points.iloc[:0], measure, x)


def summaries(table: pd.DataFrame) -> dict[float, dict[str, Summary]]:
    """Return what ``at_equal_cost`` returns by share and entry, shares ascending."""
    found: dict[float, dict[str, Summary]] = {}
    rows: list[dict[str, Any]] = table.sort_values("share", kind="stable").to_dict("records")  # type: ignore[assignment]
    for row in rows:
        found.setdefault(row["share"], {})[row["entry"]] = Summary(*(row[name] for name in Summary._fields))
    return found


def best_of(found: Mapping[str, Summary], contenders: Sequence[str]) -> str | None:
    """Return the contender with the highest mean; the first of several; None if none is known."""
    known = [name for name in contenders if name in found]
    return max(known, key=lambda name: found[name].mean, default=None)


def standings(table: pd.DataFrame, share: float, contenders: Sequence[str]) -> pd.DataFrame:
    """Return the entries at one share, the best first.

    Args:
        table: what ``at_equal_cost`` returns.
        share: one of its shares.
        contenders: entries that may be the best and have ranks; others are compared with the best without a rank.

    Returns:
        the rows of the table, and: rank (from 1; missing for the others), difference (to the best contender's mean,
        not above 0 for contenders), against (how it stands to the best: "best", or a ``Told``).
    """
    rows = table[np.isclose(table.share, share)].sort_values("mean", ascending=False, kind="stable")
    rows = rows.reset_index(drop=True)
    found = next(iter(summaries(rows).values()), {})
    best = best_of(found, contenders)
    if best is None:
        return rows.assign(rank=pd.array([None] * len(rows), "Int64"), difference=np.nan, against="open")
    ranked = rows.entry.isin(list(contenders))
    rows["rank"] = ranked.cumsum().where(ranked).astype("Int64")
    rows["difference"] = rows["mean"] - found[best].mean
    rows["against"] = ["best" if name == best else told(found[name], found[best]) for name in rows.entry]
    return rows
