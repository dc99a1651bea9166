"""The worker process: ``python -m mipp_core.experiments.worker STORE RUN``.  Started by ``jobs.start``."""

import os
import sys
import threading
import time
import traceback
from pathlib import Path

from mipp_core.errors import CancelledError, MippError
from mipp_core.experiments.archive import save_run
from mipp_core.experiments.jobs import overall
from mipp_core.experiments.result import RunResult
from mipp_core.experiments.spec import RunSpec
from mipp_core.experiments.store import Store, read_json, write_json
from mipp_core.experiments.sweep import run
from mipp_core.vocabulary import Progress

GRACE = 2.0
"""Seconds between a request to stop and the end of a worker that does not heed it."""


class Worker:
    """One run, its heartbeat and its progress file."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._folder = store, store.run(name)
        self._since, self._told = time.time(), 0.0
        self._progress = Progress("Starting", 0.0)
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def work(self) -> int:
        """Do the run; return the exit code."""
        threading.Thread(target=self._beat, daemon=True).start()
        try:
            self._run()
        except CancelledError:
            self._tell("cancelled", "Cancelled.")
        except MippError as problem:
            self._tell("failed", str(problem))
        except Exception as problem:  # the last resort: a fault must reach the page as a sentence, the rest the log
            traceback.print_exc()
            self._tell("failed", f"The run failed ({type(problem).__name__}: {problem}); see worker.log in its folder.")
            return 1
        return 0

    def _run(self) -> None:
        request = read_json(self._folder / "request.json")
        data_dir = Path(request["data_dir"]) if request["data_dir"] else None
        result, weights = run(
            RunSpec.from_json(request["spec"]),
            self._store,
            data_dir=data_dir,
            device=request["device"],
            report=self._report,
            publish=self._publish,
        )
        save_run(self._folder, result, weights)
        self._tell("done", "")

    def _publish(self, result: RunResult) -> None:
        if result.state != "done":
            write_json(self._folder / "run.json", result.to_json())

    def _report(self, progress: Progress) -> None:
        if (self._folder / "cancel").exists():
            raise CancelledError("Cancelled.")
        self._progress = progress
        if time.time() - self._told > 0.3:
            self._told = time.time()
            self._tell("running")

    def _tell(self, state: str, message: str = "") -> None:
        with self._lock:
            if self._ended.is_set():
                return
            done = 1.0 if state == "done" else overall(self._progress.stage, self._progress.done)
            words = {"state": state, "stage": self._progress.stage, "done": done, "since": self._since}
            write_json(self._folder / "progress.json", {**words, "message": message})
            if state != "running":
                self._ended.set()

    def _beat(self) -> None:
        """Show a sign of life every half second; end a worker that does not heed a request to stop."""
        asked: float | None = None
        while not self._ended.is_set():
            (self._folder / "heartbeat").touch()
            if asked is None and (self._folder / "cancel").exists():
                asked = time.time()
            if asked is not None and time.time() - asked > GRACE:
                self._tell("cancelled", "Cancelled.")
                os._exit(0)
            time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(Worker(Store(Path(sys.argv[1])), sys.argv[2]).work())
