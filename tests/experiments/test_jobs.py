import time
from dataclasses import replace

import pytest

from mipp_core.errors import DataError
from mipp_core.experiments import Store, jobs
from mipp_core.experiments.archive import load_run
from mipp_core.experiments.store import write_json
from mipp_core.training import Recipe


@pytest.fixture
def store(tmp_path):
    """A fresh store, whose worker is stopped whatever happens."""
    fresh = Store(tmp_path)
    yield fresh
    for folder in (tmp_path / "runs").glob("*"):
        jobs.cancel(fresh, folder.name)
    wait_for(lambda: jobs.running(fresh) is None, 30)


def wait_for(condition, seconds=90):
    end = time.time() + seconds
    while time.time() < end:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it never happened")


def test_runs_to_the_end_in_a_process_of_its_own(tiny_spec, store, tmp_path):
    assert jobs.look(store, tiny_spec.hash).state == "unknown"
    jobs.start(tiny_spec, store)
    assert jobs.running(store) == tiny_spec.hash
    jobs.start(tiny_spec, store)  # asking again changes nothing
    wait_for(lambda: jobs.look(store, tiny_spec.hash).state != "running")
    job = jobs.look(store, tiny_spec.hash)
    assert (job.state, job.done, job.message) == ("done", 1.0, "")
    assert len(load_run(store.run(tiny_spec.hash))["levels"]) == 20


def test_cancel_stops_it_and_leaves_the_place_free(tiny_spec, store, tmp_path):
    long = replace(tiny_spec, network=replace(tiny_spec.network, recipe=Recipe(10**6, batch_size=500)))
    jobs.start(long, store)
    wait_for(lambda: jobs.look(store, long.hash).stage.startswith("Training"))
    with pytest.raises(DataError, match="one at a time"):
        jobs.start(tiny_spec, store)
    asked = time.time()
    jobs.cancel(store, long.hash)
    wait_for(lambda: jobs.look(store, long.hash).state == "cancelled", 20)
    assert time.time() - asked < 20
    assert jobs.running(store) is None
    assert not list(tmp_path.rglob("*.part"))


def test_a_silent_worker_counts_as_gone(tiny_spec, store, tmp_path):
    words = {"state": "running", "stage": "Testing fc1", "done": 0.4, "since": time.time()}
    write_json(store.run("abc") / "progress.json", words)
    job = jobs.look(store, "abc")
    assert job.state == "failed"
    assert "start it again" in job.message


def test_a_failure_is_a_sentence(tiny_spec, store, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    spec = replace(tiny_spec, network=replace(tiny_spec.network, dataset="mnist"))
    jobs.start(spec, store, data_dir=blocked)
    wait_for(lambda: jobs.look(store, spec.hash).state != "running")
    job = jobs.look(store, spec.hash)
    assert job.state == "failed"
    assert "mnist-sample" in job.message


def test_overall_progress_rises():
    stages = [("Training the dense network", 0.5), ("Testing fc2", 0.1), ("Testing conv1", 0.9), ("Retraining", 1.0)]
    shares = [jobs.overall(*stage) for stage in stages]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
