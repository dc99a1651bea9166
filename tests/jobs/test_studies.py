"""Experiments in the background: they end, tell how far they are, can be cancelled, and are known to have died."""

import os
import signal
import time
from pathlib import Path

import pytest

from mipp_core.errors import CancelledError, DataError, UnknownNameError
from mipp_core.jobs import studies
from mipp_core.jobs.studies import Background, work
from mipp_core.limits.studies import STUDIES, Study
from mipp_core.store import Store
from mipp_core.vocabulary import Progress


def wait_for(condition, seconds=120):
    end = time.time() + seconds
    while time.time() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never happened")


@pytest.fixture
def stand_in(monkeypatch):
    """Let an experiment be any function, in this process."""

    def put(measure):
        monkeypatch.setattr(studies, "STUDIES", {"units": Study(measure, "", "")})

    return put


def test_a_small_experiment_goes_to_its_end_in_a_process_of_its_own(tmp_path):
    job = Background.of(Store(tmp_path), "units", False)
    assert (job.state, job.result) == ("none", None)
    job.start()
    job.start()  # goes on already
    wait_for(lambda: job.state != "running")
    assert job.state == "done", (job.folder / "log").read_text()
    assert job.result["study"] == "units"


def test_one_that_is_cancelled_says_so_and_keeps_its_last_result(tmp_path):
    job = Background.of(Store(tmp_path), "memorisation", True)
    job.folder.mkdir(parents=True)
    (job.folder / "result.json").write_text('{"study": "old"}')
    job.start()
    wait_for(lambda: job.progress.stage != "starting")
    assert job.state == "running"
    job.cancel()
    wait_for(lambda: job.state != "running")
    assert (job.state, job.result) == ("cancelled", {"study": "old"})


def test_one_that_is_killed_is_known_to_have_died(tmp_path):
    job = Background.of(Store(tmp_path), "memorisation", True)
    job.start()
    wait_for(lambda: job.progress.stage != "starting")
    (pid,) = (int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and _runs(each, job.folder))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: job.state != "running")
    assert job.state == "died"


def _runs(process, folder):
    try:
        return str(folder.resolve()).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_a_failure_is_told_in_its_own_words(tmp_path, stand_in):
    def measure(full, report, data_dir):
        raise DataError("There are no images; give some.")

    stand_in(measure)
    job = Background(tmp_path, "units", True)
    work("units", tmp_path, True, None)
    assert (job.state, job.problem) == ("failed", "There are no images; give some.")


def test_any_fault_is_told_with_its_log_and_a_later_success_forgets_it(tmp_path, stand_in):
    def measure(full, report, data_dir):
        raise RuntimeError("out of memory")

    stand_in(measure)
    job = Background(tmp_path, "units", True)
    work("units", tmp_path, True, None)
    assert job.state == "failed"
    assert job.problem.startswith("RuntimeError: out of memory; ")
    stand_in(lambda full, report, data_dir: {"study": "units"})
    work("units", tmp_path, True, None)
    assert (job.state, job.problem) == ("done", "")


def test_a_second_process_leaves_the_first_alone(tmp_path, stand_in):
    stand_in(lambda full, report, data_dir: {"study": "second"})
    with studies._lock(tmp_path):
        assert Background(tmp_path, "units", True).state == "running"
        work("units", tmp_path, True, None)
    assert not (tmp_path / "result.json").exists()


def test_progress_is_written_and_a_wish_to_cancel_is_heard(tmp_path, stand_in):
    seen = []

    def measure(full, report, data_dir):
        report(Progress("half way", 0.5))
        seen.append(Background(tmp_path, "units", full).progress)
        (tmp_path / "cancel").touch()
        with pytest.raises(CancelledError):
            report(Progress("never", 0.6))
        raise CancelledError

    stand_in(measure)
    work("units", tmp_path, False, None)
    assert seen == [Progress("half way", 0.5)]
    assert Background(tmp_path, "units", False).state == "cancelled"


def test_an_unknown_experiment_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match=", ".join(STUDIES)):
        Background.of(Store(tmp_path), "alchemy", True)
