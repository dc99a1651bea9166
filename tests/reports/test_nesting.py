"""Whether a run's levels are nested, from its own keep-masks."""

import pytest

from mipp_core.pruners import ClosedForm, Mipp
from mipp_core.reports.archive import load_run, shipped_runs
from mipp_core.reports.nesting import Crossing, crossings, largest_step, why
from mipp_core.runs import RunSpec


def document(*kept, spec=None):
    """Return a run of one layer of ten units, with these kept at its levels."""
    levels = [
        {"level": n, "sparsity": 1 - len(units) / 10, "layers": [{"name": "fc1", "kept_units": sorted(units)}]}
        for n, units in enumerate(kept)
    ]
    return {"levels": levels, "spec": (spec or RunSpec()).to_json()}


def test_nested_levels_have_no_crossing():
    run = document({0, 1, 2, 3}, {1, 2}, {2}, set())
    assert crossings(run) == []
    assert largest_step(run) == pytest.approx(0.2)


def test_a_unit_that_comes_back_is_counted_even_where_more_are_removed():
    assert crossings(document({0, 1, 2}, {3, 0})) == [Crossing(0, 1, back=1, fewer=-1)]
    assert crossings(document({0, 1}, {1, 2, 3})) == [Crossing(0, 1, back=2, fewer=1)]


def test_levels_are_compared_in_their_order():
    run = document({0, 1}, {0})
    run["levels"].reverse()
    assert crossings(run) == []


def test_a_run_of_one_level_has_no_step():
    assert crossings(document({1})) == []
    assert largest_step(document({1})) == 0


@pytest.mark.parametrize(
    ("settings", "pruner", "said"),
    [
        (Mipp(), "mipp", "each level decides by itself"),
        (ClosedForm(), "mipp-closed-form", "in one order"),
        (ClosedForm(path="own"), "mipp-closed-form", "an order of its own"),
    ],
)
def test_the_reason_is_the_pruners(settings, pruner, said):
    assert said in why(document({0}, spec=RunSpec(pruner=pruner, settings=settings)))


@pytest.mark.parametrize("name", ["trained-0", "untrained-0", "closed-trained-0"])
def test_a_shipped_run_is_said_to_remove_fewer_where_it_does(name):
    run = next(load_run(folder) for folder in shipped_runs() if folder.name == name)
    fewer = [(each.lower, each.higher) for each in crossings(run) if each.fewer > 0]
    shares = [level["sparsity"] for level in run["levels"]]
    assert fewer == [(n, n + 1) for n in range(19) if shares[n + 1] < shares[n]]
