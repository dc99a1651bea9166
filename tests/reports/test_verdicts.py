import numpy as np
import pandas as pd
import pytest
from made_points import points

from mipp_core.reports.ranking import MARKS, elsewhere, ranking, ranking_latex, usual_share
from mipp_core.reports.standing import COSTS, SHARES, at_equal_cost, summaries, told
from mipp_core.reports.verdicts import control_verdict, leading, places, ranges, verdict


def seeds(start, end, first, last, spread=0.001):
    """Two straight curves with three points, a spread apart."""
    middle, half = (start + end) / 2, (first + last) / 2
    return [[(start, first + off), (middle, half + off), (end, last + off)] for off in (0.0, spread)]


def table(curves, x="sparsity"):
    return at_equal_cost(points(curves), "test_retrained", x)


def test_who_is_ahead_and_where():
    found = table({"a": seeds(0.5, 0.9, 0.99, 0.97), "b": seeds(0.5, 0.9, 0.99, 0.90)})
    words = verdict(found, "a", ["a", "b"])
    assert words.startswith("a is ahead at ")
    assert "tied with the best at 50" in words
    assert verdict(found, "b", ["a", "b"]).startswith("b is tied with the best at 50")
    assert "–90% (at " in verdict(found, "b", ["a", "b"])


def test_who_leads_at_one_share_and_how_those_in_colour_stand_to_it():
    found = table({
        "a": seeds(0.5, 0.9, 0.99, 0.97), "b": seeds(0.5, 0.9, 0.99, 0.90), "c": seeds(0.5, 0.9, 0.99, 0.97),
        "random": seeds(0.5, 0.9, 0.999, 0.999),
    })  # fmt: skip
    pruners = ["a", "b", "c"]
    assert leading(found, 0.9, pruners, ["b", "a"]) == (
        "a", "97.05 ± 0.07", "Tied with it: 1 other. b is behind by 7.00 points."
    )  # fmt: skip
    assert leading(found, 0.9, pruners, ["c"]) == ("a", "97.05 ± 0.07", "Tied with it: c.")
    assert leading(found, 0.9, ["a", "b"], ["a"]) == ("a", "97.05 ± 0.07", "All others are behind.")
    assert leading(found, 0.9, ["a"], ["a"]) == ("a", "97.05 ± 0.07", "Nobody else is known here.")
    assert leading(found, 0.95, pruners, ["a"]) is None
    one = table({"a": seeds(0.5, 0.9, 0.99, 0.97)[:1], "b": seeds(0.5, 0.9, 0.99, 0.90)[:1]})
    assert leading(one, 0.9, ["a", "b"], ["b"])[2] == "b is 7.00 points lower, which one seed cannot prove."


def test_every_share_of_a_verdict_is_as_the_rule_says():
    found = table({
        "a": seeds(0.3, 0.8, 0.99, 0.95), "b": seeds(0.4, 0.9, 0.99, 0.93), "c": seeds(0.2, 0.7, 0.98, 0.97)
    })  # fmt: skip
    known = summaries(found)
    for share, place in places(found, "a", ["a", "b", "c"]).items():
        if place.rival:
            assert place.others == known[place.at][place.rival]
            assert place.state == told(known[share]["a"], place.others)
            assert place.at >= share
        else:
            assert place.state == "alone"


def test_who_removes_more_and_is_better_even_so_is_ahead():
    found = table({"a": seeds(0.2, 0.5, 0.95, 0.9), "b": seeds(0.7, 0.9, 0.99, 0.98)})
    assert verdict(found, "a", ["a", "b"]).endswith("b 99.05 ± 0.07 while removing 70%).")
    assert verdict(found, "b", ["a", "b"]) == "b is without a rival throughout, at 70–90%."


def test_a_worse_one_further_on_says_nothing():
    found = table({"a": seeds(0.2, 0.5, 0.95, 0.9), "b": seeds(0.7, 0.9, 0.5, 0.4)})
    assert verdict(found, "a", ["a", "b"]) == "a is without a rival throughout, at 20–50%."


def test_one_seed_is_said():
    found = table({"a": seeds(0.5, 0.9, 0.99, 0.97)[:1], "b": seeds(0.5, 0.9, 0.98, 0.9)})
    assert "not to be placed, for want of seeds, throughout, at 50–90% (at 70%: 98.00, b 94.05 ± 0.07)" in verdict(
        found, "a", ["a", "b"]
    )


def test_without_a_curve_there_is_nothing_to_compare():
    found = table({"a": [[(0.0, 0.99)], [(0.0, 0.99)]], "b": seeds(0.5, 0.9, 0.99, 0.97)})
    assert "nothing to compare" in verdict(found, "a", ["a", "b"])
    assert "nothing to compare" in verdict(found, "nobody", ["a", "b"])


def test_ranges_claim_no_share_that_was_not_looked_at():
    among = [0.0, *SHARES[66:88]]
    assert ranges([0.0, *SHARES[66:70]], among) == "at 0% and 66–69%"
    assert ranges(among[1:], among[1:]) == "throughout, at 66–87%"
    assert ranges([0.66, 0.68, 0.70, 0.72], among[1:]) == "at 4 of 22 shares from 66–87%"
    assert ranges([0.66], [0.66]) == "at 66%"


def test_controls_stand_to_whom_they_belong():
    found = table({
        "MIPP": seeds(0.5, 0.9, 0.97, 0.95), "fresh": seeds(0.5, 0.9, 0.98, 0.96), "same": seeds(0.5, 0.9, 0.97, 0.95)
    })  # fmt: skip
    words = control_verdict(found, "MIPP", ["fresh", "same", "absent"])
    assert words == "fresh: ahead throughout, at 50–90%; same: tied throughout."
    assert control_verdict(found, "MIPP", ["absent"]) is None


@pytest.fixture
def ranked():
    found = table({"a": seeds(0.5, 0.9, 0.99, 0.97), "b & c": seeds(0.5, 0.9, 0.98, 0.9), "d": [[(0.1, 0.9)]]})
    taken = pd.DataFrame({"entry": ["a"], "seconds": [3.0]})
    return found, ranking(found, taken, "sparsity", 0.7, ["a", "d"])


def test_the_table_has_what_a_reader_decides_by(ranked):
    _, rows = ranked
    assert list(rows) == [
        "Rank", "Entry", "Accuracy", "Against the best", "Difference", "Parameters removed", "MACs removed", "Seconds"
    ]  # fmt: skip
    assert list(rows.Entry) == ["a", "b & c"]
    assert rows.Accuracy[0] == "98.05 ± 0.07"
    assert rows["MACs removed"][0] == pytest.approx(0.35)
    assert rows.Seconds.isna().tolist() == [False, True]
    assert set(rows["Against the best"]) <= set(MARKS.values())


def test_the_table_in_latex(ranked):
    _, rows = ranked
    latex = ranking_latex(rows)
    assert "b \\& c" in latex
    assert "$\\pm$" in latex
    assert "35.0\\%" in latex
    assert "nan" not in latex.lower()


def test_an_empty_table_is_a_table(ranked):
    found, _ = ranked
    rows = ranking(found, pd.DataFrame({"entry": [], "seconds": []}), "sparsity", 0.2, ["a"])
    assert rows.empty
    assert isinstance(ranking_latex(rows), str)


def test_the_usual_share_has_most_contenders_and_the_rest_is_named(ranked):
    found, _ = ranked
    assert usual_share(found, ["a", "b & c", "d"]) == 0.7
    assert usual_share(found.iloc[:0], ["a"]) == 0.5
    assert elsewhere(found, 0.7, ["a", "d"]) == {"d": "at 10%"}
    assert {np.dtype(float)} == {found[name].dtype for name in COSTS}
