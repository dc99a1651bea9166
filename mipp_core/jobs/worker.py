"""The worker of one device.

It takes runs from the store's queue, one after another, and ends when there has been nothing to do for a while.
Killed at any moment it loses the stage it was in and nothing else: the next worker gives the run back to the queue,
and the stages that are in the store are not computed again.
"""

import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mipp_core.errors import CancelledError, DataError, MippError, MippWarning
from mipp_core.experiments.costs import costs_of
from mipp_core.experiments.sweep import run
from mipp_core.jobs.launcher import IDLE
from mipp_core.jobs.progress import Pace
from mipp_core.store import Store, Ticket
from mipp_core.store.files import sweep_parts
from mipp_core.store.job import State
from mipp_core.vocabulary import Progress

GRACE = 2.0
"""Seconds between a request to stop and the end of a worker that does not heed it."""

_BEAT = 0.2
"""Seconds between looks at requests to stop, and between reports of progress."""

_HEARTBEAT = 2.0
"""Seconds between signs of life."""

_SKETCH = 0.5
"""Seconds between pictures of what is decided so far."""

_WAIT = 0.1
"""Seconds between looks at an empty queue."""


_OLDER = "This run was asked for before the code that it needs was changed; start it again, which gives it a new name."

_CANCELLED = "Cancelled. The steps and levels that it finished are kept; the one it was in is not."


class _GivenBackError(CancelledError):
    """Puts the run back into the queue: something more urgent waits, or the machine goes down."""


class Worker:
    """Does the runs of one device until there are no more."""

    def __init__(self, store: Store, device: str, idle: float = IDLE) -> None:
        self._store, self._device, self._idle = store, device, idle
        self._current: str | None = None
        self._progress = Progress("Starting", 0.0)
        self._pace: Pace | None = None
        self._told: tuple[str, float] | None = None
        self._computed = 0
        self._stop = threading.Event()
        self._terminated = threading.Event()

    def serve(self) -> None:
        """Work until the queue has been empty for a while, or the process is asked to end."""
        signal.signal(signal.SIGTERM, lambda *_: self._terminated.set())
        sweep_parts(self._store.root / "tensors")
        self._store.runs.release(self._device)
        threading.Thread(target=self._beat, daemon=True).start()
        last = time.monotonic()
        while time.monotonic() - last < self._idle and not self._terminated.is_set():
            ticket = self._store.runs.claim(self._device)
            if ticket is None:
                time.sleep(_WAIT)
            else:
                self._do(ticket)
                last = time.monotonic()

    def _do(self, ticket: Ticket) -> None:
        self._stop.clear()
        self._progress, self._told, self._current = Progress("Starting", 0.0), None, ticket.hash
        self._computed, self._pace = 0, None
        runs = self._store.runs
        if ticket.spec.hash != ticket.hash:
            return self._end(ticket.hash, "failed", _OLDER)
        try:
            self._pace = Pace(costs_of(ticket.spec), ticket.done)
            with self._notes(ticket.hash):
                run(
                    ticket.spec,
                    self._store,
                    data_dir=Path(ticket.data_dir) if ticket.data_dir else None,
                    device=self._device,
                    report=self._report,
                    publish=lambda result: runs.publish(ticket.hash, result.to_json()),
                    before_stage=self._between_stages,
                )
            self._end(ticket.hash, "done")
        except _GivenBackError:
            self._current = None
            runs.give_back(ticket.hash)
        except CancelledError:
            self._end(ticket.hash, "cancelled", _CANCELLED)
        except MippError as problem:
            self._end(ticket.hash, "failed", str(problem))
        except Exception as problem:  # whatever goes wrong: the page shows it as a sentence, the log has the rest
            traceback.print_exc()
            self._end(ticket.hash, "failed", f"The run failed ({type(problem).__name__}: {problem}); see {self._log}.")

    def _end(self, hash_: str, state: State, message: str = "") -> None:
        self._current = None
        self._store.sketches.drop(hash_)
        self._store.runs.finish(hash_, state, message)

    @property
    def _log(self) -> Path:
        return self._store.root / "workers" / f"{self._device.replace(':', '-')}.log"

    @contextmanager
    def _notes(self, hash_: str) -> Iterator[None]:
        """Tell the user what the computation warns of."""
        with warnings.catch_warnings():
            warnings.simplefilter("always", MippWarning)
            warnings.showwarning = lambda message, category, *_, **__: (
                self._store.runs.note(hash_, str(message)) if issubclass(category, MippWarning) else None
            )
            yield

    def _report(self, progress: Progress) -> None:
        self._progress = progress
        if self._pace is not None:
            self._pace.tell(progress.stage, progress.done)
        if self._terminated.is_set():
            raise _GivenBackError("Given back.")
        if self._stop.is_set():
            raise CancelledError("Cancelled.")

    def _between_stages(self) -> None:
        """Count a finished stage as progress, and make way for a run that somebody waits for at a page."""
        if self._current is None:
            return
        self._computed += 1
        if self._computed == 2:
            self._store.runs.progressed(self._current)
        if self._store.runs.urgent(self._current):
            raise _GivenBackError("Given back.")

    def _beat(self) -> None:
        """Pass on progress and requests to stop; end the process where the run does not heed one."""
        asked: float | None = None
        heard = sketched = 0.0
        while True:
            time.sleep(_BEAT)
            current, progress = self._current, self._progress
            try:
                if time.monotonic() - heard > _HEARTBEAT:
                    self._store.workers.beat(self._device)
                    heard = time.monotonic()
                if current is None:
                    asked = None
                    continue
                if progress.so_far is not None and time.monotonic() - sketched > _SKETCH:
                    self._store.sketches.put(current, progress.so_far())
                    sketched = time.monotonic()
                told = progress.stage, round(self._pace.share() if self._pace else 0.0, 3)
                if told != self._told:
                    self._store.runs.tell(current, *told)
                    self._told = told
                if self._store.runs.asked_to_stop(current):
                    self._stop.set()
                    asked = asked or time.monotonic()
                else:
                    asked = None
            except DataError:  # the disk is full, or the store is gone: the run meets the same error and reports it
                continue
            if asked is not None and time.monotonic() - asked > GRACE:
                self._start_again(current)

    def _start_again(self, hash_: str) -> None:
        """End a run that does not react: the process becomes a fresh worker."""
        self._store.runs.finish(hash_, "cancelled", "Cancelled.")
        os.execv(sys.executable, sys.orig_argv)


def serve(root: Path, device: str, idle: float = IDLE) -> None:
    """Be the worker of a device; its lock must be held by this process."""
    Worker(Store(root), device, idle).serve()
