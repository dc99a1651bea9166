"""Explore while a run waits, goes on or has stopped, and starting one."""

import pytest
from explore_page import HERE, PLAN, labels, level, metric
from sqlalchemy import select

from mipp_core.pruners.plans import duration
from mipp_core.store import BATCH, INTERACTIVE, Store, schema

pytestmark = pytest.mark.filterwarnings("default")


def progress(app):
    return [bar.proto.text for bar in app.get("progress")]


def test_a_failed_run_is_a_sentence_and_can_be_started_again(runs, claimed, address, explore, words):
    runs.finish(claimed(address()), "failed", "The disk is full.")
    app = explore(**HERE)
    assert [error.value for error in app.error] == ["The disk is full."]
    assert "Nobody has run" not in words(app)
    assert labels(app) == {"start_run": "Try again", **PLAN}
    app.button(key="start_run").click().run()
    assert runs.look(address().hash).state == "queued"


def test_a_cancelled_run_says_so_and_can_be_started_again(runs, address, explore, words):
    runs.ask(address())
    runs.cancel(address().hash)
    app = explore(**HERE)
    assert [warning.value for warning in app.warning] == ["Cancelled before it began."]
    assert "Nobody has run" not in words(app)
    assert labels(app) == {"start_run": "Try again", **PLAN}


def test_a_cancelled_run_shows_the_levels_it_finished(seeded, runs, address, explore):
    seeded["state"] = "running"
    for entry in seeded["levels"][1:]:
        entry["accuracy_retrained"] = None
    runs.publish(address().hash, seeded)
    runs.finish(address().hash, "cancelled", "Cancelled; the levels it finished are kept.")
    app = explore(**HERE)
    assert not app.exception
    assert labels(app) == {"start_run": "Try again", **PLAN}
    assert metric(app, "Retrained") == "…"
    assert metric(level(app, 0), "Retrained") != "…"


def test_a_run_that_goes_on_shows_progress_and_cancel(runs, claimed, address, explore, words):
    name = claimed(address())
    runs.tell(name, "Testing fc1", 0.4)
    app = explore(**HERE)
    assert not app.exception
    assert [text.partition(",")[0] for text in progress(app)] == ["Testing fc1"]
    assert "as soon as every level is rebuilt" in words(app)
    app.button(key="cancel").click().run()
    assert runs.asked_to_stop(name)


def test_a_run_that_goes_on_shows_what_it_has(seeded, runs, address, claimed, explore):
    name = address().hash
    runs.delete(name)
    claimed(address())
    runs.tell(name, "Retraining", 0.8)
    runs.publish(name, {**seeded, "state": "running"})
    app = explore(**HERE)
    assert not app.exception
    assert progress(app)
    assert metric(app, "Dense") == f"{seeded['dense_accuracy']:.2%}"


def test_the_page_follows_as_levels_are_filled_in(seeded, runs, claimed, address, explore):
    name = address().hash
    runs.delete(name)
    claimed(address())
    accuracies = [entry["accuracy_retrained"] for entry in seeded["levels"]]
    for entry in seeded["levels"]:
        entry["accuracy_retrained"] = None
    runs.publish(name, {**seeded, "state": "running"})
    app = explore(**HERE, level="3")
    assert metric(app, "Retrained") == "…"
    seeded["levels"][3]["accuracy_retrained"] = accuracies[3]
    runs.publish(name, seeded)
    runs.finish(name, "done")
    app.run()
    assert metric(app, "Retrained") == f"{accuracies[3]:.2%}"
    assert not progress(app)


@pytest.mark.parametrize(("ahead", "said"), [(0, "the next in the queue"), (3, "3 ahead in the queue")])
def test_a_queued_run_says_its_place(ahead, said, runs, address, explore):
    for seed in range(1, ahead + 1):
        runs.ask(address(seed=seed))
    runs.ask(address())
    assert progress(explore(**HERE)) == [f"Waiting, {said}"]


def test_a_queued_run_leaves_the_queue_when_cancelled(runs, address, explore):
    runs.ask(address())
    app = explore(**HERE)
    app.button(key="cancel").click().run()
    assert runs.look(address().hash).state == "cancelled"
    assert labels(app) == {"start_run": "Try again", **PLAN}


def test_a_run_that_waits_gets_a_worker_from_whoever_looks(runs, address, explore, calls_for_workers):
    explore(**HERE)
    assert calls_for_workers == []
    runs.ask(address())
    explore(**HERE)
    assert calls_for_workers


def test_notes_are_shown_while_it_runs_and_afterwards(runs, claimed, address, explore):
    name = claimed(address())
    runs.note(name, "Batches of 32: memory is short.")
    assert explore(**HERE).info[0].value == "Batches of 32: memory is short."
    runs.finish(name, "failed", "The disk is full.")
    assert explore(**HERE).info[0].value == "Batches of 32: memory is short."


def test_starting_a_live_run_queues_it_before_any_sweep(own_store, runs, address, explore, calls_for_workers):
    runs.ask(address(seed=1))
    app = explore(**HERE)
    app.button(key="start_run").click().run()
    assert not app.exception
    assert calls_for_workers
    assert progress(app) == ["Waiting, the next in the queue"]
    with Store(own_store).database.reading() as connection:
        lanes = dict(connection.execute(select(schema.runs.c.hash, schema.runs.c.lane)).all())
    assert lanes == {address().hash: INTERACTIVE, address(seed=1).hash: BATCH}


def test_the_fifth_open_run_of_a_visitor_is_refused(runs, explore):
    app = explore(**HERE)
    for seed in range(5):
        app.number_input(key="seed").set_value(seed).run()
        app.button(key="start_run").click().run()
        assert not app.exception
    assert [error.value for error in app.error] == [
        "You have 4 runs waiting or going on, which is the limit; wait for one of them, or cancel one on the page Runs."
    ]
    assert labels(app) == {"start_run": "Start a live run", **PLAN}
    assert runs.waiting() == 4
    assert not app.run().error, "a refusal is said once"


def test_a_named_run_that_fell_can_be_tried_again(runs, claimed, address, explore):
    name = claimed(address(seed=3))
    runs.finish(name, "failed", "The disk is full.")
    app = explore(run=name)
    app.button(key="start_run").click().run()
    assert not app.exception
    assert progress(app) == ["Waiting, the next in the queue"]


@pytest.mark.parametrize(("seconds", "said"), [(30, "30 s"), (600, "10 min")])
def test_duration_in_words(seconds, said):
    assert duration(float(seconds)) == said
