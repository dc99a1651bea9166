from dataclasses import replace

import pytest

from mipp_core.errors import SettingError
from mipp_core.store import BATCH, INTERACTIVE, Store
from mipp_core.store.runs import A_USER_MAY_WAIT_FOR, MOST_ATTEMPTS


@pytest.fixture
def runs(tmp_path):
    return Store(tmp_path).runs


@pytest.fixture
def specs(tiny_spec):
    """Ten runs that differ in the seed."""
    return [replace(tiny_spec, network=replace(tiny_spec.network, seed=seed)) for seed in range(10)]


def test_first_in_first_out_and_interactive_before_batch(runs, specs):
    for spec, lane in zip(specs, [BATCH, BATCH, INTERACTIVE, INTERACTIVE], strict=False):
        runs.ask(spec, lane=lane)
    assert [runs.look(spec.hash).place for spec in specs[:4]] == [2, 3, 0, 1]
    claimed = [runs.claim("cpu").spec for _ in range(4)]
    assert claimed == [specs[2], specs[3], specs[0], specs[1]]
    assert runs.claim("cpu") is None


def test_identical_requests_are_one_job_that_the_more_urgent_moves_up(runs, specs):
    for spec in (specs[0], specs[1], specs[1]):
        runs.ask(spec, lane=BATCH)
    runs.ask(specs[1], lane=INTERACTIVE, owner="ann")
    assert [job.hash for job in runs.list()] == [specs[1].hash, specs[0].hash]
    runs.claim("cpu")
    runs.ask(specs[1], lane=INTERACTIVE)
    assert runs.look(specs[1].hash).state == "running"


def test_a_finished_run_is_not_queued_again_and_a_failed_one_is(runs, specs):
    runs.ask(specs[0])
    runs.claim("cpu")
    runs.finish(specs[0].hash, "done")
    runs.ask(specs[0])
    assert runs.look(specs[0].hash).state == "done"
    runs.ask(specs[1])
    runs.claim("cpu")
    runs.finish(specs[1].hash, "failed", "No luck.")
    assert runs.look(specs[1].hash).message == "No luck."
    runs.ask(specs[1])
    job = runs.look(specs[1].hash)
    assert (job.state, job.message, job.done) == ("queued", "", 0)


def test_a_user_has_a_limit_in_the_interactive_lane_alone(runs, specs):
    for spec in specs[:A_USER_MAY_WAIT_FOR]:
        runs.ask(spec, owner="ann", lane=INTERACTIVE)
    last = specs[A_USER_MAY_WAIT_FOR]
    with pytest.raises(SettingError, match=f"You have {A_USER_MAY_WAIT_FOR} runs"):
        runs.ask(last, owner="ann", lane=INTERACTIVE)
    assert runs.look(last.hash) is None
    runs.ask(specs[0], owner="ann", lane=INTERACTIVE)  # a run that the user has already
    runs.ask(last, owner="bob", lane=INTERACTIVE)
    runs.ask(specs[8], owner="ann", lane=BATCH)
    runs.cancel(specs[0].hash)
    runs.ask(specs[9], owner="ann", lane=INTERACTIVE)


def test_a_run_goes_to_the_device_it_asks_for(runs, specs):
    runs.ask(specs[0], device="cuda:1")
    runs.ask(specs[1])
    assert runs.claim("cuda:0").spec == specs[1]
    assert runs.claim("cuda:0") is None
    assert runs.claim("cuda:1").spec == specs[0]


def test_cancelling_takes_a_waiting_run_out_and_tells_a_running_one(runs, specs):
    runs.ask(specs[0])
    runs.ask(specs[1])
    runs.claim("cpu")
    for spec in specs[:2]:
        runs.cancel(spec.hash)
    assert [runs.look(spec.hash).state for spec in specs[:2]] == ["running", "cancelled"]
    assert runs.asked_to_stop(specs[0].hash)
    runs.finish(specs[0].hash, "cancelled")
    runs.ask(specs[0])
    assert not runs.asked_to_stop(specs[0].hash)


def test_a_deleted_run_is_asked_to_stop(runs, specs):
    runs.ask(specs[0])
    runs.claim("cpu")
    runs.delete(specs[0].hash)
    assert runs.asked_to_stop(specs[0].hash)
    assert runs.list() == []
    runs.finish(specs[0].hash, "cancelled")
    assert runs.list() == []


def test_runs_of_a_dead_worker_go_back_to_their_place(runs, specs):
    for spec in specs[:3]:
        runs.ask(spec)
    runs.claim("cpu")
    runs.claim("cuda:0")
    assert runs.release("cpu") == [specs[0].hash]
    assert [runs.look(spec.hash).state for spec in specs[:3]] == ["queued", "running", "queued"]
    assert runs.claim("cpu").spec == specs[0]


def test_a_run_that_keeps_killing_its_worker_has_failed_unless_it_gets_on(runs, specs):
    runs.ask(specs[0])
    for death in range(MOST_ATTEMPTS):
        runs.claim("cpu")
        runs.tell(specs[0].hash, "Testing fc1", 0.3)
        if death == 0:
            runs.progressed(specs[0].hash)
        runs.release("cpu")
    while runs.claim("cpu"):
        runs.tell(specs[0].hash, "Testing fc1", 0.3)
        runs.release("cpu")
    job = runs.look(specs[0].hash)
    assert job.state == "failed"
    assert "Testing fc1" in job.message
    runs.ask(specs[0])
    assert runs.look(specs[0].hash).state == "queued"


def test_a_cancelled_run_of_a_dead_worker_is_cancelled(runs, specs):
    runs.ask(specs[0])
    runs.claim("cpu")
    runs.cancel(specs[0].hash)
    runs.release("cpu")
    assert runs.look(specs[0].hash).state == "cancelled"


def test_only_a_batch_run_makes_way_and_only_for_its_own_device(runs, specs):
    runs.ask(specs[0], lane=BATCH)
    runs.claim("cpu")
    assert not runs.urgent(specs[0].hash)
    runs.ask(specs[1], lane=INTERACTIVE, device="cuda:0")
    assert not runs.urgent(specs[0].hash)
    runs.ask(specs[2], lane=INTERACTIVE)
    assert runs.urgent(specs[0].hash)
    runs.give_back(specs[0].hash)
    assert runs.claim("cpu").spec == specs[2]
    assert not runs.urgent(specs[2].hash)


def test_the_estimate_counts_from_where_the_run_was_resumed(runs, specs):
    runs.ask(specs[0])
    runs.claim("cpu")
    assert runs.look(specs[0].hash).remaining is None
    runs.tell(specs[0].hash, "Retraining", 0.5)
    runs.give_back(specs[0].hash)
    runs.claim("cpu")
    assert runs.look(specs[0].hash).remaining is None
    runs.tell(specs[0].hash, "Retraining", 0.75)
    assert 0 <= runs.look(specs[0].hash).remaining < 5


def test_notes_are_kept_once(runs, specs):
    runs.ask(specs[0])
    for words in ("Smaller.", "Smaller.", "Smaller still."):
        runs.note(specs[0].hash, words)
    assert runs.look(specs[0].hash).notes == ("Smaller.", "Smaller still.")


def test_a_run_made_elsewhere_is_kept_whole(runs, specs):
    runs.record(specs[0], {"levels": [1, 2]})
    job = runs.look(specs[0].hash)
    assert (job.state, job.done) == ("done", 1.0)
    assert runs.document(specs[0].hash) == {"levels": [1, 2]}
    runs.fail(specs[1], "The task was lost.")
    assert runs.look(specs[1].hash).state == "failed"
    assert runs.document("nobody") is None
    assert runs.look("nobody") is None


def test_a_worker_shows_signs_of_life(tmp_path):
    workers = Store(tmp_path).workers
    assert workers.silence() == {}
    workers.beat("cpu")
    workers.beat("cpu")
    assert 0 <= workers.silence()["cpu"] < 10
