"""Explore when a control is changed: the last result stays, greyed, and short runs start at once."""

import pytest
from explore_page import labels, level, metric, point, seen
from sqlalchemy import update

from mipp_core.information import fine_schedule
from mipp_core.pruners import ClosedForm, Mipp
from mipp_core.recipes import RECIPES
from mipp_core.reports import level_words
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store, schema
from pages.shared import live as following

pytestmark = pytest.mark.filterwarnings("default")


def live(seed=0, model="lenet5", **changed):
    """Return the run that the page looks for when the sample is chosen, and no method."""
    network = NetworkSpec(model, "mnist-sample", recipe=RECIPES["live"], seed=seed)
    usual = {"pruner": "mipp-closed-form", "settings": ClosedForm(), "controls": ("random", "magnitude")}
    return RunSpec(network, **{**usual, **changed})


def choose_sample(app):
    return app.selectbox(key="dataset").set_value("mnist-sample").run()


def still(app):
    return [each.value for each in app.warning if each.value.startswith("**This is still")]


def test_a_change_starts_a_short_run_and_keeps_the_last_result(runs, explore, calls_for_workers):
    app = level(explore(), 7)
    before = metric(app, "Rebuilt")
    choose_sample(app)
    assert not app.exception
    assert runs.look(live().hash).state == "queued"
    assert calls_for_workers
    assert len(still(app)) == 1
    assert "MIPP with trained regressors, lenet5, mnist, trained, seed 0, level 7.**" in still(app)[0]
    assert "is being computed" in still(app)[0]
    assert metric(app, "Rebuilt") == before
    assert point(app)["number"] == 7


def test_the_run_takes_the_place_of_the_last_result_when_its_levels_are_rebuilt(finished, runs, explore, words):
    app = choose_sample(level(explore(), 7))
    document = finished(live())
    retrained = [entry["accuracy_retrained"] for entry in document["levels"]]
    for entry in document["levels"]:
        entry["accuracy_retrained"] = None
    runs.publish(live().hash, {**document, "state": "running"})
    app.run()
    assert not app.exception
    assert not still(app)
    assert "MIPP in closed form" in words(app)
    assert metric(app, "Rebuilt") == f"{document['levels'][7]['accuracy_rebuilt']:.2%}"
    assert metric(app, "Retrained") == "…"
    document["levels"][7]["accuracy_retrained"] = retrained[7]
    runs.publish(live().hash, document)
    assert metric(app.run(), "Retrained") == f"{retrained[7]:.2%}"


def test_nothing_starts_without_a_change(runs, explore):
    app = explore(dataset="mnist-sample").run()
    assert labels(app)["start_run"] == "Start a live run"
    assert runs.list() == []


def test_nothing_starts_where_the_visitor_does_not_want_it(runs, explore):
    app = choose_sample(explore(at_once="false"))
    assert runs.list() == []
    assert "Nobody has run these settings" in still(app)[0]
    app.toggle(key="at_once").set_value(True).run()
    assert runs.look(live().hash).state == "queued"


def test_a_long_run_waits_for_a_click(runs, explore):
    app = explore()
    app.selectbox(key="method").set_value("regressors").run()
    assert not app.exception
    choose_sample(app)
    assert runs.list() == []
    assert len(still(app)) == 1
    app.button(key="start_run").click().run()
    assert runs.look(live(pruner="mipp", settings=Mipp()).hash).state == "queued"


def test_the_method_is_the_shipped_one_where_there_is_one(explore, words):
    app = explore()
    assert "MIPP with trained regressors" in words(app)
    app.selectbox(key="method").set_value("closed form").run()
    assert "MIPP in closed form" in words(app)
    app.select_slider(key="images").set_value(100).run()
    assert "This is still MIPP in closed form" in words(app)
    assert labels(app)["start_run"]


def test_a_run_that_is_left_behind_is_cancelled(runs, explore):
    app = choose_sample(explore())
    app.number_input(key="seed").set_value(1).run()
    assert runs.look(live().hash).state == "cancelled"
    assert runs.look(live(seed=1).hash).state == "queued"
    app.number_input(key="seed").set_value(0).run()
    assert runs.look(live().hash).state == "queued", "who comes back gets it again"
    assert runs.look(live(seed=1).hash).state == "cancelled"


def test_a_run_that_somebody_else_follows_goes_on(runs, explore, monkeypatch):
    app = choose_sample(explore())
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(following, "visitor", lambda: "somebody else")
        assert not explore(run=live().hash).exception
    app.number_input(key="seed").set_value(1).run()
    assert [runs.look(live(seed=seed).hash).state for seed in (0, 1)] == ["queued", "queued"]


def test_a_run_that_was_cancelled_by_hand_does_not_start_again(runs, explore):
    app = choose_sample(explore())
    app.button(key="cancel").click().run()
    assert runs.look(live().hash).state == "cancelled"
    assert "stopped before it had anything to show" in still(app)[0]
    assert labels(app.run())["start_run"] == "Try again"


def test_older_addresses_with_settings_of_regressors_mean_those(runs, explore):
    app = explore(dataset="mnist-sample", estimate_size="1024")
    assert app.selectbox(key="method").value == "regressors"
    app.button(key="start_run").click().run()
    assert runs.look(live(pruner="mipp", settings=Mipp(estimate_size=1024)).hash) is not None


def test_settings_of_the_closed_form_start_a_run_of_it(runs, explore):
    app = explore(dataset="mnist-sample")
    app.select_slider(key="images").set_value(100).run()
    assert not app.exception
    assert runs.look(live(settings=ClosedForm(estimate_size=100)).hash).state == "queued"


def test_fine_levels_keep_the_slider_at_its_confidence(runs, finished, explore):
    spec = live(confidences=fine_schedule())
    app = level(explore(), 8)
    app.toggle(key="fine").set_value(True)
    choose_sample(app)
    assert runs.look(spec.hash).state == "queued"
    document = finished(spec)
    runs.publish(spec.hash, many(document))
    app.run()
    assert not app.exception
    assert point(app)["named"] == "Level 8"
    app.toggle(key="fine").set_value(False).run()
    assert app.query_params["level"] == "8"


def many(document):
    """Stretch a document of 20 levels to as many as the fine schedule has."""
    old, asked = document["levels"], fine_schedule()
    made = [{**old[min(19, n // 3)], "level": n, "confidence": asked[n]} for n in range(len(asked))]
    return {**document, "levels": made, "decisions": {}}


def test_near_runs_are_offered_as_links(finished, explore, words):
    near = finished(live(seed=2))
    app = choose_sample(explore(at_once="false"))
    assert f"[seed 2](./?run={near['hash']})" in words(app)


def test_the_last_result_belongs_to_one_session(own_store, explore):
    choose_sample(explore(at_once="false"))
    other = explore(dataset="mnist-sample")
    assert not still(other)
    assert seen(other) is None


def test_a_stored_run_of_another_version_is_not_offered(finished, own_store, explore, words):
    spec = live(seed=2)
    finished(spec)
    with Store(own_store).database.writing() as connection:
        changed = {**spec.to_json(), "pruner": "axe"}
        connection.execute(update(schema.runs).values(spec=changed))
    app = choose_sample(explore(at_once="false"))
    assert not app.exception
    assert spec.hash not in words(app)


def test_fine_levels_have_names_of_their_own():
    names = list(map(level_words.between, fine_schedule()))
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("confidence", "said"), [(0.5, "0"), (0.9375, "3"), (fine_schedule()[1], "0.1")])
def test_confidences_as_levels(confidence, said):
    assert level_words.between(confidence) == said
