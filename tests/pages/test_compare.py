import pytest

from mipp_core.reports.comparison import ENTRIES, leader, member
from mipp_core.runs import NetworkSpec
from mipp_core.training import RECIPES

THREE = ["MIPP", "L1", "ThiNet"]


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
    assert button(app, "run_missing").label == "Run what is missing (51)"


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
    headline, *others = (each.value for each in app.header)
    assert "keeps most" in headline
    assert others == [
        "At equal cost",
        "Where MIPP stands",
        "Accuracy against time",
        "Collapse rate",
        "Where the units go",
        "Characteristics",
        "The paper's claims",
    ]
    assert not [each for each in app.button if each.key == "run_missing"]
    ranked, numbers, collapsed, characters = (each.value for each in app.dataframe)
    assert set(ranked.Entry) >= set(THREE)
    assert [name for name in numbers.index if name in THREE] == THREE
    assert list(collapsed.index) == THREE
    assert list(characters.index) == THREE
    judged_by_next = characters["Looks at"].str.contains("next layer").to_dict()
    assert judged_by_next == {"MIPP": True, "L1": False, "ThiNet": True}


def test_some_finished_runs_are_shown_and_the_rest_offered(compare, three):
    app = compare(cmp_pruners_trained=THREE, cmp_seeds=["0", "1", "2"])
    assert not app.exception
    assert button(app, "run_missing").label == "Run what is missing (3)"
    assert len(app.dataframe) == 4


@pytest.mark.parametrize("stage", ["cut", "rebuilt", "retrained"])
@pytest.mark.parametrize(("view", "charts"), [("three axes", 3), ("one axis, large", 1), ("a panel each", 1)])
def test_every_view_is_drawn(compare, three, stage, view, charts):
    app = compare(
        cmp_pruners_trained=THREE,
        cmp_seeds=["0", "1"],
        cmp_stage=stage,
        cmp_view=view,
        cmp_scale="accuracy" if charts == 1 else "error (log)",
        cmp_axis="MACs",
        cmp_highlight="ThiNet",
        cmp_pinned=["L1"],
    )
    assert not app.exception
    assert len(app.get("plotly_chart")) == charts + 2


def of(app, kind, key):
    return next(each for each in app.get(kind) if each.key == key)


def test_there_is_a_verdict_for_every_axis_about_whoever_is_highlighted(compare, three, words):
    app = compare(cmp_pruners_trained=THREE, cmp_seeds=["0", "1"])
    said = next(each.value for each in app.markdown if "Units removed" in each.value)
    axes = [line.partition(":")[0] for line in said.splitlines()]
    assert axes == ["- **Units removed", "- **Parameters removed", "- **MACs removed"]
    assert "Where MIPP stands" in words(app)
    of(app, "selectbox", "cmp_highlight").set_value("L1").run()
    assert not app.exception
    assert "Where L1 stands" in words(app)
    app = compare(cmp_pruners_trained=THREE, cmp_seeds=["0", "1"], cmp_stage="rebuilt", cmp_highlight="ThiNet")
    assert "Where ThiNet stands" in words(app)


@pytest.fixture
def controlled(runs, finished):
    """Keep MIPP's results of two seeds with one control, which is as good as MIPP."""
    for seed in (0, 1):
        document = finished(spec("MIPP", seed))
        for level in document["levels"]:
            level["controls"] = {"random": {key: value for key, value in level.items() if "accuracy" in key}}
        runs.record(spec("MIPP", seed), document)


def test_controls_are_held_against_mipp_and_can_be_left_out(compare, controlled, words):
    query = {"cmp_pruners_trained": ["MIPP"], "cmp_seeds": ["0", "1"]}
    app = compare(**query)
    assert "**Controls** beside MIPP" in words(app)
    assert "random, MIPP's counts: tied throughout" in words(app)
    ranked = app.dataframe[0].value.set_index("Entry")
    assert ranked.Rank.dropna().to_dict() == {"MIPP": 1}
    assert ranked["Against the best"].to_dict() == {"MIPP": "best", "random, MIPP's counts": "= tied"}
    app = compare(**query, cmp_controls="false")
    assert list(app.dataframe[0].value.Entry) == ["MIPP"]
    assert "**Controls**" not in words(app)


def test_nobody_is_declared_better_with_one_seed(compare, three, words):
    app = compare(cmp_pruners_trained=THREE, cmp_seeds=["0"])
    assert not app.exception
    assert "for want of seeds" in words(app)
    assert "one seed" in words(app)
    assert set(app.dataframe[0].value["Against the best"]) <= {"best", "one seed"}


def test_the_share_can_be_moved_and_nobody_there_is_a_sentence(compare, three, words):
    app = compare(cmp_pruners_trained=THREE, cmp_seeds=["0", "1"], cmp_share_sparsity="1")
    assert not app.exception
    found = app.dataframe[0].value
    share = of(app, "slider", "cmp_share_sparsity")
    assert share.value == 1
    share.set_value(50).run()
    assert not app.exception
    assert "Nobody has a point near" in words(app) or not app.dataframe[0].value.equals(found)


def test_mipp_in_closed_form_may_be_there_and_mipp_not(compare, finished, words):
    for seed in (0, 1):
        finished(spec("MIPP closed form", seed))
    app = compare(cmp_pruners_trained=["MIPP", "MIPP closed form"], cmp_seeds=["0", "1"])
    assert not app.exception
    assert "Where MIPP closed form stands" in words(app)


def test_at_initialisation_there_is_one_accuracy_and_the_epochs_are_said(compare, finished, words):
    finished(spec("MIPP", 0, trained=False))
    app = compare(cmp_start="at initialisation", cmp_seeds=["0"], cmp_stage="pruned")
    assert not app.exception
    assert not [each for each in app.get("button_group") if each.key == "cmp_stage"]
    assert "Test accuracy, trained" in words(app)
    assert "networks were pruned at initialisation and then trained for 2" in words(app)


def test_the_shipped_comparison_has_true_words_in_every_start(compare, words):
    for start in ("trained", "at initialisation"):
        app = compare(cmp_dataset="mnist", cmp_start=start)
        assert not app.exception
        assert "MIPP is" in words(app)
        assert "± " in " ".join(app.dataframe[0].value.Accuracy)


def stages(app):
    return list(next(each for each in app.get("button_group") if each.key == "cmp_stage").options)


def test_recalibrated_accuracies_are_offered_where_they_are(compare, runs, finished):
    document = finished(spec("MIPP"))
    app = compare(cmp_pruners_trained=["MIPP"], cmp_seeds=["0"], cmp_stage="recalibrated")
    assert not app.exception
    assert stages(app) == ["cut", "rebuilt", "retrained"]
    for level in document["levels"]:
        level["accuracy_recalibrated"] = 0.5
    runs.record(spec("MIPP"), document)
    app = compare(cmp_pruners_trained=["MIPP"], cmp_seeds=["0"], cmp_stage="recalibrated")
    assert not app.exception
    assert stages(app) == ["cut", "recalibrated", "rebuilt", "retrained"]


def test_an_accuracy_nobody_measured_is_a_sentence(compare, runs, finished, words):
    document = finished(spec("MIPP"))
    for level in document["levels"]:
        level["train_accuracy_retrained"] = None
    runs.record(spec("MIPP"), document)
    app = compare(cmp_pruners_trained=["MIPP"], cmp_seeds=["0"], cmp_split="train")
    assert not app.exception
    assert "No run has a train accuracy, retrained" in words(app)


def test_nothing_chosen_is_a_sentence(compare, words):
    app = compare()
    seeds = next(each for each in app.get("button_group") if each.key == "cmp_seeds")
    seeds.set_value([]).run()
    assert "at least one seed and one pruner" in words(app)


def test_what_needs_training_is_not_offered_at_initialisation(compare):
    app = compare(cmp_start="at initialisation")
    assert button(app, "run_missing").label == "Run what is missing (45)"
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
