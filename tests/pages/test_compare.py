import pytest
from streamlit.testing.v1 import AppTest

from mipp_core.reports.comparison import ENTRIES, leader, member
from mipp_core.runs import NetworkSpec
from mipp_core.training import RECIPES

THREE = ["MIPP", "L1", "ThiNet"]


@pytest.fixture
def compare():
    """Open Compare on the sample at an address."""

    def make(**query):
        app = AppTest.from_file("../../pages/compare/page.py", default_timeout=60)
        app.query_params["cmp_dataset"] = "mnist-sample"
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return make


def spec(name, seed=0, trained=True, protocol="followed"):
    network = NetworkSpec("lenet5", "mnist-sample", recipe=RECIPES["live"], seed=seed)
    return member(leader(network, trained, RECIPES["live-retrain"]), name, protocol)


@pytest.fixture
def three(finished):
    """Keep results of three entries and two seeds."""
    return {name: [finished(spec(name, seed)) for seed in (0, 1)] for name in THREE}


def button(app, key):
    return next(each for each in app.button if each.key == key)


def test_an_empty_store_says_what_to_do(compare, words):
    app = compare()
    assert not app.exception
    assert "Nobody has compared these yet" in words(app)
    assert button(app, "run_missing").label == "Run what is missing (39)"


def test_missing_runs_are_queued_and_can_be_cancelled(compare, runs, calls_for_workers):
    app = compare(cmp_pruners_trained=THREE, cmp_seeds=["0", "1"])
    button(app, "run_missing").click().run()
    assert not app.exception
    assert {job.hash for job in runs.list()} == {spec(name, seed).hash for name in THREE for seed in (0, 1)}
    assert calls_for_workers
    assert "0 of 6 runs" in app.get("progress")[0].proto.text
    button(app, "cancel_comparison").click().run()
    assert {job.state for job in runs.list()} == {"cancelled"}
    assert button(app, "run_missing").label == "Run what is missing (6)"


def test_finished_runs_are_shown(compare, three):
    app = compare(cmp_pruners_trained=THREE, cmp_seeds=["0", "1"])
    assert not app.exception
    assert [each.value for each in app.subheader] == [
        "Accuracy against sparsity",
        "In numbers",
        "Collapse rate",
        "Time to prune",
        "Where the units go",
        "Characteristics",
    ]
    assert not [each for each in app.button if each.key == "run_missing"]
    numbers, characters = (each.value for each in app.dataframe)
    assert list(numbers.index) == THREE
    assert list(characters.index) == THREE
    assert characters["adjacent layer"].to_dict() == {"MIPP": True, "L1": False, "ThiNet": True}


def test_some_finished_runs_are_shown_and_the_rest_offered(compare, three):
    app = compare(cmp_pruners_trained=THREE, cmp_seeds=["0", "1", "2"])
    assert not app.exception
    assert button(app, "run_missing").label == "Run what is missing (3)"
    assert len(app.dataframe) == 2


@pytest.mark.parametrize("stage", ["pruned", "rebuilt", "retrained"])
@pytest.mark.parametrize("view", ["one chart", "panels"])
def test_every_view_is_drawn(compare, three, stage, view):
    app = compare(
        cmp_pruners_trained=THREE,
        cmp_seeds=["0", "1"],
        cmp_stage=stage,
        cmp_view=view,
        cmp_scale="error (log)",
        cmp_controls="true",
        cmp_axis="macs_removed",
        cmp_pinned=["L1"],
    )
    assert not app.exception
    assert len(app.get("plotly_chart")) == 4


def stages(app):
    return list(next(each for each in app.get("button_group") if each.key == "cmp_stage").options)


def test_recalibrated_accuracies_are_offered_where_they_are(compare, runs, finished):
    document = finished(spec("MIPP"))
    app = compare(cmp_pruners_trained=["MIPP"], cmp_seeds=["0"], cmp_stage="recalibrated")
    assert not app.exception
    assert stages(app) == ["pruned", "rebuilt", "retrained"]
    for level in document["levels"]:
        level["accuracy_recalibrated"] = 0.5
    runs.record(spec("MIPP"), document)
    app = compare(cmp_pruners_trained=["MIPP"], cmp_seeds=["0"], cmp_stage="recalibrated")
    assert not app.exception
    assert stages(app) == ["pruned", "recalibrated", "rebuilt", "retrained"]


def test_an_accuracy_nobody_measured_is_a_sentence(compare, runs, finished, words):
    document = finished(spec("MIPP"))
    for level in document["levels"]:
        level["train_accuracy_retrained"] = None
    runs.record(spec("MIPP"), document)
    app = compare(cmp_pruners_trained=["MIPP"], cmp_seeds=["0"], cmp_split="train")
    assert not app.exception
    assert "No run has retrained accuracies on the train split" in words(app)


def test_nothing_chosen_is_a_sentence(compare, words):
    app = compare()
    seeds = next(each for each in app.get("button_group") if each.key == "cmp_seeds")
    seeds.set_value([]).run()
    assert "at least one seed and one pruner" in words(app)


def test_what_needs_training_is_not_offered_at_initialisation(compare):
    app = compare(cmp_start="at initialisation")
    assert button(app, "run_missing").label == "Run what is missing (36)"
    assert not ENTRIES["IMP"].works_untrained


def test_fixed_ratios_are_other_runs(compare, three):
    app = compare(cmp_pruners_trained=THREE, cmp_seeds=["0"], cmp_protocol="fixed ratios")
    assert button(app, "run_missing").label == "Run what is missing (3)"


def test_a_failed_run_says_why(compare, runs, words):
    runs.ask(spec("L1"))
    runs.finish(spec("L1").hash, "failed", "The device's memory did not suffice.")
    assert "memory did not suffice" in words(compare(cmp_pruners_trained=["L1"], cmp_seeds=["0"]))


def test_a_bad_link_shows_defaults(compare):
    app = compare(cmp_model="alexnet", cmp_seeds=["x"], cmp_protocol="odd", cmp_axis="flops", cmp_start="later")
    assert not app.exception
