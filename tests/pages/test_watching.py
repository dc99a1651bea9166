"""The badge of runs that go on, on every page, and the notice when one has ended."""

import pytest

from mipp_core.jobs.studies import Background
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.vocabulary import Progress
from pages.shared.studying import Watched

pytestmark = pytest.mark.filterwarnings("default")

TINY = [RunSpec(NetworkSpec("mlp", seed=seed)) for seed in (7, 8)]


@pytest.fixture
def asked(runs):
    """Open a page whose visitor has asked for runs, in groups."""

    def make(open_page, *groups):
        app = open_page()
        for spec in (spec for group in groups for spec in group):
            runs.ask(spec)
        app.session_state["watched"] = tuple(tuple(spec.hash for spec in group) for group in groups)
        return app.run()

    return make


def badges(app):
    return [link.label for link in app.get("page_link")]


def test_nothing_is_shown_while_nothing_goes_on(explore):
    app = explore()
    assert badges(app) == []
    assert not app.toast


def test_a_start_is_watched(explore):
    app = explore(model="mlp", dataset="mnist-sample", seed="7", at_once="false")
    app.button(key="start_run").click().run()
    assert badges(app) == ["Your run: waiting"]


def test_a_badge_says_how_far_it_is_and_a_notice_that_it_has_ended(explore, asked, runs):
    app = asked(explore, TINY[:1])
    assert badges(app) == ["Your run: waiting"]
    runs.claim("cpu")
    runs.tell(TINY[0].hash, "Testing fc1", 0.4)
    assert "40%" in badges(app.run())[0]
    runs.finish(TINY[0].hash, "failed", "The disk is full.")
    app.run()
    assert badges(app) == []
    assert [toast.value.partition(" mlp")[0] for toast in app.toast] == ["**Your run failed:**"]
    assert f"?run={TINY[0].hash}" in app.toast[0].value
    assert not app.run().toast, "told once"


def test_runs_that_were_asked_for_together_are_told_together(explore, asked, runs):
    app = asked(explore, TINY)
    assert badges(app) == ["2 of your runs, now waiting"]
    runs.finish(TINY[0].hash, "done")
    app.run()
    assert badges(app) == ["Your run: waiting"]
    assert not app.toast
    runs.finish(TINY[1].hash, "failed", "No memory.")
    assert [toast.value for toast in app.run().toast] == ["**Your 2 runs have ended:** 1 done, 1 failed."]


def test_what_was_cancelled_or_deleted_needs_no_notice(explore, asked, runs):
    app = asked(explore, TINY[:1], TINY[1:])
    runs.cancel(TINY[0].hash)
    runs.delete(TINY[1].hash)
    app.run()
    assert badges(app) == []
    assert not app.toast


def test_an_experiment_of_limits_is_watched_too_and_its_end_is_told_once(explore, monkeypatch):
    alive, state = [True], ["running"]
    monkeypatch.setattr(Background, "is_alive", lambda job: alive[0])
    monkeypatch.setattr(Background, "state", property(lambda job: state[0]))
    monkeypatch.setattr(Background, "progress", property(lambda job: Progress("training", 0.25)))
    app = explore()
    app.session_state["watched studies"] = (Watched("noise", False, "noise"),)
    app.run()
    assert not app.exception
    assert badges(app) == ["Experiment: 25%"]
    alive[0], state[0] = False, "done"
    app.run()
    assert badges(app) == []
    assert [toast.value for toast in app.toast] == ["**Experiment done:** noise. [Look at it](./limits?look=noise)."]
    assert not app.run().toast
