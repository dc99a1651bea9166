"""A run of a pruner that cuts by itself, on Explore: its own cut is a point of the slider."""

import pytest
from explore_page import level, point, seen

from mipp_core.experiments import run
from mipp_core.pruners import Cmi
from mipp_core.recipes import RECIPES
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store

SETTINGS = Cmi(alpha=2.0, width="shared", samples=60, validation=60, direction="forward")


@pytest.fixture
def kept(own_store):
    """A small run in the store."""
    network = NetworkSpec("mlp", widths=(10, 8), recipe=RECIPES["none"])
    spec = RunSpec(network, pruner="cmi", settings=SETTINGS, retraining=RECIPES["none"])
    document = run(spec, Store(own_store))[0].to_json()
    Store(own_store).runs.record(spec, document)
    return document


def test_its_own_cut_is_where_the_slider_starts(explore, kept):
    app = explore(run=kept["hash"])
    assert not app.exception
    given = seen(app)
    own = next(level for level in kept["levels"] if level["level"] == 20)
    assert given["axis"] == "Units removed"
    assert point(app)["number"] == 20
    assert point(app)["named"] == f"{own['sparsity']:.1%}, its own cut"
    assert len(given["points"]) == 21


def test_the_points_are_in_the_order_of_what_they_remove(kept):
    removed = [level["sparsity"] for level in kept["levels"]]
    assert removed == sorted(removed) and len(removed) == 21
    assert {level["level"] for level in kept["levels"]} == set(range(21))
    assert [cut["layer"] for cut in kept["orders"]["layers"]] == ["fc1", "fc2"]


def test_other_shares_can_be_chosen(explore, kept):
    app = explore(run=kept["hash"])
    level(app, 5, "point")
    assert not app.exception
    assert point(app)["number"] == 5


def test_each_layers_curve_is_drawn_and_said(explore, kept, words):
    app = explore(run=kept["hash"])
    assert "Orders" in [each.value for each in app.header]
    assert "Cut as layer 1 of 2, given nothing else." in words(app)
    app.selectbox(key="layer").set_value("fc2").run()
    assert not app.exception
    assert "Cut as layer 2 of 2, given what is kept of fc1." in words(app)


def test_its_shares_are_nested_with_its_own_cut_among_them(explore, kept, words):
    said = words(explore(run=kept["hash"]))
    assert "every higher level of this run removes, too: all shares remove units in one order" in said


def test_the_address_holds_the_share(explore, kept):
    app = explore(run=kept["hash"], point="8")
    assert not app.exception
    assert point(app)["number"] == 8


def test_the_page_says_what_another_pruner_goes_by(explore, kept, words):
    said = words(explore(run=kept["hash"]))
    assert (
        "A run of another pruner, cmi: Order each layer's units by what they add to the knowledge of the labels" in said
    )
    assert "next layer's activations can still be rebuilt" not in said
