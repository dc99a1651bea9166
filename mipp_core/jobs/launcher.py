"""Starting workers: one process per device, never inside the web server, so that a fault stops nothing else."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from mipp_core.runs.spec import RunSpec
from mipp_core.store import INTERACTIVE, Store

_PROGRAM = Path(__file__).parent / "start_worker.py"

_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""For workers, where the user has not said otherwise: threads that wait for others leave the processor to them.

By default they keep it, and where other programs compute too, each is slowed down, up to a hundred times.
"""

IDLE = 900.0
"""Seconds without work after which a worker ends."""


def devices() -> tuple[str, ...]:
    """Return the devices that get a worker: every GPU, or the processor where there is none."""
    return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count())) or ("cpu",)


def start(
    spec: RunSpec, store: Store, *, owner: str = "", lane: int = INTERACTIVE, data_dir: Path | None = None
) -> None:
    """Queue a run, and start workers where there are none.

    Raises:
        SettingError: the user has as many runs open as are allowed.
        DataError: the store cannot be written.
    """
    store.places.keep(spec.network.dataset)
    store.runs.ask(spec, owner=owner, lane=lane, data_dir=str(data_dir) if data_dir else None)
    ensure(store)


def ensure(store: Store, chosen: tuple[str, ...] | None = None, idle: float = IDLE) -> None:
    """Start a worker for every device that has none, as long as a run waits or was left by a dead worker."""
    if any(job.state in ("queued", "running") for job in store.runs.list()):
        for device in chosen or devices():
            if not alive(store, device):
                _launch(store, device, idle)


def warm(store: Store, idle: float = IDLE) -> None:
    """Start the worker of the first device, though nothing waits yet: it is ready when somebody asks for a run."""
    device = devices()[0]
    if not alive(store, device):
        _launch(store, device, idle)


def alive(store: Store, device: str) -> bool:
    """Tell whether a device has a worker.  The system releases its lock however it ends."""
    try:
        with lock(store, device).acquire(timeout=0):
            return False
    except Timeout:
        return True


def lock(store: Store, device: str) -> FileLock:
    """Return the lock that a device's worker holds until it ends."""
    folder = store.root / "workers"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{device.replace(':', '-')}.lock")


def _launch(store: Store, device: str, idle: float) -> None:
    """Start a process of its own, which outlives the page and can be killed."""
    with (store.root / "workers" / f"{device.replace(':', '-')}.log").open("a") as log:
        worker = subprocess.Popen(
            [sys.executable, _PROGRAM, lock(store, device).lock_file, store.root.resolve(), device, str(idle)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=_ENVIRONMENT | os.environ,
            process_group=0,  # not the page's: Ctrl-C stops the server alone
        )
    threading.Thread(target=worker.wait, daemon=True).start()  # reaps it, whenever it ends
