import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from benchmarks.kills import _kill, records, workers
from mipp_core import jobs
from mipp_core.jobs.launcher import _launch
from mipp_core.store import BATCH, INTERACTIVE, Store
from mipp_core.training import Recipe

CPU = ("cpu",)


@pytest.fixture
def store(tmp_path):
    """A fresh store, whose worker is gone afterwards, whatever happens."""
    yield Store(tmp_path)
    wait_for(lambda: not jobs.alive(Store(tmp_path), "cpu") or not _kill(tmp_path), 10)


@pytest.fixture
def endless(tiny_spec):
    return replace(tiny_spec, network=replace(tiny_spec.network, recipe=Recipe(10**6, batch_size=500)))


def wait_for(condition, seconds=240):
    end = time.time() + seconds
    while time.time() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never happened")


def state(store, spec):
    return store.runs.look(spec.hash).state


def test_a_run_goes_to_the_end_in_a_process_of_its_own(tiny_spec, store):
    jobs.start(tiny_spec, store, owner="ann")
    jobs.start(tiny_spec, store, owner="bob")  # the same request is the same job
    wait_for(lambda: state(store, tiny_spec) not in ("queued", "running"))
    job = store.runs.look(tiny_spec.hash)
    assert (job.state, job.done, job.message) == ("done", 1.0, "")
    assert len(store.runs.list()) == 1
    assert len(store.runs.document(tiny_spec.hash)["levels"]) == 20


_DOOMED = """
import os, signal, sys
from pathlib import Path
from mipp_core.jobs.worker import Worker, serve

root, stage, share = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
heard = Worker._report

def hear_and_die(self, progress):
    heard(self, progress)
    if progress.stage.startswith(stage) and progress.done >= share:
        os.kill(os.getpid(), signal.SIGKILL)

Worker._report = hear_and_die
serve(root, "cpu", idle=5.0)
"""
"""A worker that kills itself at a chosen moment of a chosen stage, however quick or busy the machine is."""


def test_killed_at_any_stage_it_goes_on_from_there(tiny_spec, store, tmp_path):
    tiny_spec = replace(tiny_spec, retraining=Recipe(2, batch_size=100))
    quiet = Store(tmp_path / "quiet")
    for asked in (quiet, store):
        asked.runs.ask(tiny_spec)
    for stage, share in (("Training", 0.0), ("Testing", 0.0), ("Retraining", 0.1), ("Retraining", 0.6)):
        doomed = subprocess.run(
            [sys.executable, "-c", _DOOMED, store.root, stage, str(share)], check=False, timeout=240
        )
        assert doomed.returncode == -signal.SIGKILL
        assert state(store, tiny_spec) == "running"
    for asked in (quiet, store):
        jobs.ensure(asked, CPU, idle=1.0)
        wait_for(lambda asked=asked: state(asked, tiny_spec) == "done")
    assert records(store) == records(quiet)
    assert all(times == 1 for *_, times in records(store)["stages"].values())


def test_two_worker_starts_for_one_device_leave_one_worker(endless, store):
    store.runs.ask(endless)
    (store.root / "workers").mkdir(exist_ok=True)
    for _ in range(4):
        _launch(store, "cpu", 600.0)
    wait_for(lambda: store.runs.look(endless.hash).stage.startswith("Training"))
    wait_for(lambda: len(workers(store.root)) == 1)
    time.sleep(1)
    assert len(workers(store.root)) == 1


def test_cancel_stops_a_run_and_the_worker_takes_the_next(endless, tiny_spec, store):
    jobs.start(endless, store)
    wait_for(lambda: store.runs.look(endless.hash).stage.startswith("Training"))
    store.runs.cancel(endless.hash)
    wait_for(lambda: state(store, endless) == "cancelled", 20)
    jobs.start(tiny_spec, store)
    wait_for(lambda: state(store, tiny_spec) == "done")


def test_a_batch_run_makes_way_between_two_stages_and_comes_back(tiny_spec, store):
    slow = replace(tiny_spec, retraining=Recipe(40, batch_size=100))
    store.runs.ask(slow, lane=BATCH)
    jobs.ensure(store, CPU)
    wait_for(lambda: store.runs.look(slow.hash).stage == "Retraining")
    quick = replace(tiny_spec, confidences=(0.9,))
    store.runs.ask(quick, lane=INTERACTIVE)
    wait_for(lambda: state(store, quick) == "done")
    assert state(store, slow) in ("queued", "running")
    wait_for(lambda: state(store, slow) == "done")
    assert all(times == 1 for *_, times in records(store)["stages"].values())


def test_a_failure_is_a_row_with_its_reason_and_can_be_tried_again(tiny_spec, store, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    spec = replace(tiny_spec, network=replace(tiny_spec.network, dataset="mnist"))
    jobs.start(spec, store, data_dir=blocked)
    wait_for(lambda: state(store, spec) == "failed")
    assert "mnist-sample" in store.runs.look(spec.hash).message
    jobs.start(spec, store, data_dir=blocked)
    wait_for(lambda: state(store, spec) == "failed")
