"""A run in the background: one worker process at a time, with progress, cancel and a folder anyone can look at.

Files of a run, in the store's folder for it:

request.json    what to do: the specification, the data folder and the device
progress.json   the stage, how far it is, and since when
heartbeat       touched every second while the worker lives
cancel          appears when someone asks the worker to stop
run.json        the result as far as it has got
worker.log      what the worker printed, for reports of faults
"""

import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mipp_core.errors import DataError
from mipp_core.experiments.spec import RunSpec
from mipp_core.experiments.store import Store, read_json, write_json

State = Literal["unknown", "running", "done", "cancelled", "failed"]

SILENCE = 15.0
"""Seconds without a heartbeat after which a worker counts as gone."""

STAGE_SHARES = {"Training": 0.05, "Testing": 0.55, "Rebuilding": 0.1, "Retraining": 0.3}
"""Rough shares of a run's time, by the first word of a stage; they only shape the overall percentage."""


@dataclass(frozen=True)
class Job:
    """How a run is doing.

    Attributes:
        state: ``unknown`` when nobody ever asked for it.
        stage: what is being done, in words.
        done: share of the whole run, in [0, 1].
        remaining: estimated seconds to go; None while it is too early to tell.
        message: why it stopped, for a person.
    """

    state: State
    stage: str = ""
    done: float = 0.0
    remaining: float | None = None
    message: str = ""


def start(spec: RunSpec, store: Store, data_dir: Path | None = None, device: str = "cpu") -> None:
    """Start a worker for a run; a run that is already going on is left alone.

    Raises:
        DataError: another run is going on, or the store cannot be written.
    """
    busy = running(store)
    if busy == spec.hash:
        return
    if busy is not None:
        raise DataError(f"Run {busy} is still going on, one at a time is the limit; wait for it or cancel it.")
    folder = store.run(spec.hash)
    for stale in ("cancel", "progress.json", "run.json"):
        (folder / stale).unlink(missing_ok=True)
    request = {"spec": spec.to_json(), "data_dir": str(data_dir) if data_dir else None, "device": device}
    write_json(folder / "request.json", request)
    write_json(folder / "progress.json", {"state": "running", "stage": "Starting", "done": 0.0, "since": time.time()})
    (folder / "heartbeat").touch()
    _launch(folder, store)


def _launch(folder: Path, store: Store) -> None:
    """Start the worker as a process of its own, so that it outlives the page and can be killed."""
    with (folder / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "mipp_core.experiments.worker", str(store.root), folder.name],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
    threading.Thread(target=worker.wait, daemon=True).start()  # reaps it, whenever it ends


def look(store: Store, name: str) -> Job:
    """Say how a run is doing."""
    known = read_json(store.run(name) / "progress.json")
    if known is None:
        return Job("unknown")
    state = known["state"]
    if state == "running" and not _alive(store.run(name)):
        return Job("failed", known["stage"], known["done"], None, "The worker stopped without a word; start it again.")
    remaining = _remaining(known) if state == "running" else None
    return Job(state, known["stage"], known["done"], remaining, known.get("message", ""))


def _remaining(known: dict) -> float | None:
    spent, done = time.time() - known["since"], known["done"]
    return spent * (1 - done) / done if done > 0.02 else None


def _alive(folder: Path) -> bool:
    try:
        return time.time() - (folder / "heartbeat").stat().st_mtime < SILENCE
    except OSError:
        return False


def running(store: Store) -> str | None:
    """Name the run that is going on, if there is one."""
    for progress in (store.root / "runs").glob("*/progress.json"):
        if look(store, progress.parent.name).state == "running":
            return progress.parent.name
    return None


def cancel(store: Store, name: str) -> None:
    """Ask a run to stop; it does so within a second or two and keeps the levels it has finished."""
    folder = store.run(name)
    if folder.is_dir():
        (folder / "cancel").touch()


def overall(stage: str, done: float) -> float:
    """Turn a stage's progress into the whole run's, from ``STAGE_SHARES``."""
    before = 0.0
    for word, share in STAGE_SHARES.items():
        if stage.startswith(word):
            return before + share * done
        before += share
    return 0.0
