from math import nan

import numpy as np
import pytest
from made_points import points

from mipp_core.reports.standing import (
    COSTS,
    Summary,
    at_equal_cost,
    best_of,
    explained,
    mean_lines,
    read_at,
    standings,
    summaries,
    told,
)


def summary(*values):
    return Summary(
        len(values), np.mean(values), np.std(values, ddof=1) if len(values) > 1 else nan, min(values), max(values)
    )


def test_curves_are_read_between_their_points_only():
    where, values = np.array([0.2, 0.4, 0.8]), np.array([[1.0], [0.5], [0.1]])
    read = read_at(where, values, (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 0.9))[:, 0]
    assert list(read) == pytest.approx([nan, 1.0, 0.75, 0.5, nan, 0.1, nan], nan_ok=True)


def test_a_share_next_to_a_point_is_measured_there():
    values = np.array([[1.0], [0.5]])
    assert list(read_at(np.array([0.148, 0.751]), values, (0.14, 0.15, 0.75, 0.76))[:, 0]) == pytest.approx(
        [nan, 1.0, 0.5, nan], nan_ok=True
    )
    assert np.isnan(read_at(np.array([0.751]), values[:1], (0.75,), near=0.0)).all()


def test_means_are_over_seeds_at_the_same_share_not_at_the_same_level():
    table = at_equal_cost(
        points({"a": [[(0.2, 1.0), (0.4, 0.8)], [(0.3, 0.9), (0.5, 0.7)]]}), "test_retrained", COSTS[0]
    )
    assert (table.share.min(), table.share.max()) == (0.3, 0.4)
    at = table.set_index("share").loc[0.35]
    assert at["mean"] == pytest.approx((0.85 + 0.85) / 2)
    assert at["deviation"] == pytest.approx(0.0, abs=1e-12)
    assert (at.seeds, at.sparsity, at.macs_removed) == (2, pytest.approx(0.35), pytest.approx(0.175))


def test_every_axis_has_its_own_comparison():
    found = points({"a": [[(0.2, 1.0), (0.4, 0.8)]]})
    table = at_equal_cost(found, "test_retrained", "macs_removed")
    assert (table.share.min(), table.share.max()) == (0.1, 0.2)
    assert table[np.isclose(table.share, 0.15)].sparsity.item() == pytest.approx(0.3)


def test_runs_without_the_measure_and_points_at_the_same_share_do_no_harm():
    found = points({"a": [[(0.2, 1.0), (0.2, 0.8), (0.4, 0.6)], [(0.2, nan), (0.4, nan)]], "b": [[(0.2, nan)]]})
    table = at_equal_cost(found, "test_retrained", "sparsity")
    assert set(table.entry) == {"a"}
    assert table.set_index("share")["mean"][0.2] == pytest.approx(0.9)
    assert table.seeds.eq(1).all()
    assert table.deviation.isna().all()
    nothing = at_equal_cost(found.assign(test_retrained=nan), "test_retrained", "sparsity")
    assert nothing.empty
    assert {"entry", "share", "mean"} <= set(nothing)


def test_lines_are_broken_in_gaps_and_have_every_corner():
    line = mean_lines(
        points({"a": [[(0.1, 1.0), (0.155, 0.9), (0.9, 0.1), (0.95, 0.0)]]}), "test_retrained", "sparsity"
    )
    assert line.set_index("share")["mean"][0.155] == pytest.approx(0.9)
    unknown = line[line["mean"].isna()].share
    assert (unknown.min(), unknown.max()) == (0.16, 0.89)
    assert (line.share.min(), line.share.max()) == (0.1, 0.95)
    assert mean_lines(points({"a": [[(0.1, nan)]]}), "test_retrained", "sparsity").empty


def test_a_difference_within_the_seeds_spread_is_a_tie():
    best = summary(0.990, 0.991, 0.992)
    assert told(summary(0.989, 0.990, 0.991), best) == "tied"
    assert told(best, summary(0.989, 0.990, 0.991)) == "tied"
    assert told(summary(0.98, 0.981, 0.982), best) == "behind"
    assert told(best, summary(0.98, 0.981, 0.982)) == "ahead"
    assert told(summary(0.5, 0.5), summary(0.5, 0.5)) == "tied"


def test_what_seeds_explain_is_students_test():
    """By hand: variances 1e-6 each, three seeds each, t of 4 degrees 2.776, and 1e-6 (1/3 + 1/3)."""
    one = summary(0.990, 0.991, 0.992)
    assert explained(one, one) == pytest.approx(2.776 * (1e-6 * 2 / 3) ** 0.5, rel=1e-6)
    many = Summary(30, 0.9, 0.001, 0.8, 1.0)
    assert explained(many, many) == pytest.approx(2.228 * (1e-6 * 2 / 30) ** 0.5, rel=1e-6)


def test_one_seed_proves_nothing():
    assert told(summary(0.1), summary(0.99, 0.99)) == "open"
    assert told(summary(0.99, 0.99), summary(0.1)) == "open"


def test_a_seed_that_fails_excuses_nothing():
    best = summary(0.990, 0.991, 0.992)
    assert told(summary(0.1, 0.9, 0.98), best) == "behind"  # no seed reaches the best
    assert told(summary(0.3, 0.99, 0.99), best) == "scattered"  # two do
    assert told(best, summary(0.3, 0.99, 0.99)) == "tied"
    assert told(summary(0.3, 0.99), summary(0.99, 0.991)) == "scattered"


def test_entries_are_sorted_and_only_contenders_have_ranks():
    table = at_equal_cost(
        points({
            "low": [[(0.5, 0.90)], [(0.5, 0.901)]],
            "control": [[(0.5, 0.999)], [(0.5, 0.9991)]],
            "best": [[(0.5, 0.95)], [(0.5, 0.951)]],
            "near": [[(0.5, 0.9499)], [(0.5, 0.9510)]],
        }),
        "test_retrained",
        "sparsity",
    )  # fmt: skip
    rows = standings(table, 0.5, ["low", "best", "near"]).set_index("entry")
    assert list(rows.index) == ["control", "best", "near", "low"]
    assert rows["rank"].dropna().to_dict() == {"best": 1, "near": 2, "low": 3}
    assert rows.against.to_dict() == {"control": "ahead", "best": "best", "near": "tied", "low": "behind"}
    assert rows.difference["best"] == 0
    assert rows.difference["control"] > 0 > rows.difference["low"]


def test_where_nobody_is_known_there_are_no_standings():
    table = at_equal_cost(points({"a": [[(0.5, 0.9)]]}), "test_retrained", "sparsity")
    assert standings(table, 0.4, ["a"]).empty
    alone = standings(table, 0.5, ["somebody else"])
    assert alone["rank"].isna().all()
    assert list(alone.against) == ["open"]
    assert best_of(summaries(table)[0.5], []) is None
