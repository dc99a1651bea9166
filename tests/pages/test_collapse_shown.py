"""A collapse is announced at the pages, whatever pruner ranked the units."""

import pytest
from explore_page import level, point

from mipp_core.experiments import run
from mipp_core.pruners import PRUNERS, Ranker, pruner
from mipp_core.reports.comparison import ENTRIES, leader, member
from mipp_core.runs import NetworkSpec, RunSpec, collapsed_layers
from mipp_core.runs.naming import revisions_in
from mipp_core.store import Store
from mipp_core.training import RECIPES, Recipe

pytestmark = pytest.mark.filterwarnings("default")

RANKERS = [name for name, kind in PRUNERS.items() if issubclass(kind, Ranker)]
COMPARED = [
    name for name, entry in ENTRIES.items() if entry.pruner in RANKERS and "normalisation" not in entry.settings.needs
]
"""Without the pruner that only networks with batch normalisation are offered."""


@pytest.fixture(scope="module")
def collapsed(tmp_path_factory):
    """Return the document of a real run whose second point has lost a whole layer, and its specification."""
    spec = RunSpec(
        NetworkSpec("mlp", widths=(12, 10), recipe=Recipe(0)),
        pruner="magnitude",
        settings=pruner("magnitude"),
        scope="global",
        sparsities=(0.1, 0.6),
        retraining=Recipe(0),
    )
    result, _ = run(spec, Store(tmp_path_factory.mktemp("collapsed")))
    document = result.to_json()
    assert [collapsed_layers(each) for each in document["levels"]] == [[], ["fc2"]]
    return spec, document


def kept(runs, spec, document):
    """Keep a document as that of another specification."""
    runs.record(spec, {**document, "spec": spec.to_json(), "hash": spec.hash, "revisions": revisions_in(spec)})
    return spec.hash


@pytest.mark.parametrize("name", RANKERS)
def test_explore_names_the_layer_at_the_level_where_it_is_gone(name, collapsed, runs, explore, words):
    asked, document = collapsed
    spec = RunSpec(
        asked.network, pruner=name, settings=pruner(name), sparsities=asked.sparsities, retraining=asked.retraining
    )
    app = level(explore(run=kept(runs, spec, document)), 0)
    assert not app.exception
    assert point(app)["dead"] == []
    assert "First collapse: fc2 at step 1." in words(app)
    level(app, 1)
    assert point(app)["dead"] == ["fc2"]
    assert "Layer collapse: **fc2 has no unit left** since step 1." in words(app)


def test_layers_that_collapse_together_are_one_sentence(collapsed, runs, explore, words):
    spec, document = collapsed
    first, last = document["levels"]
    both = [{**layer, "kept": 0, "kept_units": [], "collapsed": True} for layer in last["layers"]]
    name = kept(runs, spec, {**document, "levels": [first, {**last, "layers": both}]})
    app = level(explore(run=name), 1)
    assert point(app)["dead"] == ["fc1", "fc2"]
    assert "**fc1 has no unit left** since step 1; **fc2 has no unit left** since step 1." in words(app)


@pytest.fixture
def compared(runs, compare):
    """Open Compare with one pruner, whose run has the levels given."""

    def make(name, document):
        network = NetworkSpec("lenet5", "mnist-sample", recipe=RECIPES["live"])
        kept(runs, member(leader(network, True, RECIPES["live-retrain"]), name, "followed"), document)
        app = compare(cmp_pruners_trained=[name], cmp_seeds=["0"])
        assert not app.exception
        assert "Collapse rate" in [each.value for each in app.header]
        return app

    return make


@pytest.mark.parametrize("name", COMPARED)
def test_compare_names_the_pruner_the_layer_and_from_where(name, collapsed, compared, words):
    _, document = collapsed
    share = document["levels"][1]["sparsity"]
    said = f"**Layer collapse:** {name} (fc2) from {share:.1%} of the units removed. Such a layer has no unit left"
    assert said in words(compared(name, document))


def test_compare_says_nothing_where_no_layer_collapses(collapsed, compared, words):
    _, document = collapsed
    assert "Layer collapse" not in words(compared("L1", {**document, "levels": document["levels"][:1]}))
