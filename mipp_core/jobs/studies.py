"""Experiments of No Free Prune in the background: a process each, with progress, that can be cancelled.

    python -m mipp_core.jobs.studies NAME FOLDER [--full] [--data-dir DIR]

Everything about one lies in a folder of the store: ``progress.json`` while it goes on, ``result.json`` or
``failed.json`` afterwards.  The process holds a lock, which the system releases however it ends; so one that was killed
is known as such, and its last result stays until there is a new one.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from mipp_core.errors import CancelledError, MippError
from mipp_core.limits.studies import STUDIES, study
from mipp_core.store import Store
from mipp_core.store.files import read_json, write_json
from mipp_core.vocabulary import Progress

State = Literal["none", "running", "done", "failed", "cancelled", "died"]

_EVERY = 0.5
"""Seconds between two notes of progress."""


@dataclass(frozen=True)
class Background:
    """One experiment, in its small or its full setting.

    Attributes:
        folder: where everything about it lies.
        name: of ``mipp_core.limits.studies.STUDIES``.
        full: the setting.
    """

    folder: Path
    name: str
    full: bool

    @classmethod
    def of(cls, store: Store, name: str, full: bool) -> "Background":
        """Return an experiment of a store."""
        study(name)
        return cls(store.root / "limits" / f"{name}-{'full' if full else 'small'}", name, full)

    def start(self, data_dir: Path | None = None) -> None:
        """Start it, unless it is going on."""
        if self.is_alive():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("cancel", "failed.json"):
            (self.folder / name).unlink(missing_ok=True)
        write_json(self.folder / "progress.json", {"stage": "starting", "done": 0.0})
        flags = ["--full"] if self.full else []
        flags += ["--data-dir", str(data_dir)] if data_dir else []
        with (self.folder / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "mipp_core.jobs.studies", self.name, self.folder.resolve(), *flags],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={"OMP_WAIT_POLICY": "PASSIVE"}
                | os.environ
                | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                process_group=0,
            )
        threading.Thread(target=process.wait, daemon=True).start()  # reaps it, whenever it ends
        _wait_for(lambda: self.is_alive() or process.poll() is not None)

    def cancel(self) -> None:
        """Ask it to stop at its next report."""
        if self.is_alive():
            (self.folder / "cancel").touch()

    def is_alive(self) -> bool:
        """Tell whether its process is there."""
        if not self.folder.is_dir():
            return False
        try:
            with _lock(self.folder).acquire(timeout=0):
                return False
        except Timeout:
            return True

    @property
    def state(self) -> State:
        """What has become of it."""
        if self.is_alive():
            return "running"
        failed = self._read("failed.json")
        if failed:
            return "cancelled" if failed["cancelled"] else "failed"
        if (self.folder / "progress.json").exists():
            return "died"
        return "done" if (self.folder / "result.json").exists() else "none"

    @property
    def progress(self) -> Progress:
        """How far it has got."""
        found = self._read("progress.json") or {"stage": "starting", "done": 0.0}
        return Progress(found["stage"], found["done"])

    @property
    def result(self) -> dict[str, Any] | None:
        """Its last document; None if there is none."""
        return self._read("result.json")

    @property
    def problem(self) -> str:
        """Why it failed, in a sentence; empty if it did not."""
        return (self._read("failed.json") or {"problem": ""})["problem"]

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        found: dict[str, Any] | None = read_json(path) if path.exists() else None
        return found


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / "lock", is_singleton=False)


def _wait_for(condition: Any, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)


def work(name: str, folder: Path, full: bool, data_dir: Path | None) -> None:
    """Do an experiment and write what becomes of it into its folder."""
    told = -_EVERY

    def report(progress: Progress) -> None:
        nonlocal told
        if (folder / "cancel").exists():
            raise CancelledError
        if time.monotonic() - told >= _EVERY:
            told = time.monotonic()
            write_json(folder / "progress.json", {"stage": progress.stage, "done": progress.done})

    with _lock(folder):
        try:
            write_json(folder / "result.json", STUDIES[name].measure(full, report, data_dir))
        except CancelledError:
            write_json(folder / "failed.json", {"cancelled": True, "problem": ""})
        except (MippError, OSError) as problem:
            write_json(folder / "failed.json", {"cancelled": False, "problem": str(problem)})
        (folder / "progress.json").unlink(missing_ok=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=STUDIES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--data-dir", type=Path)
    chosen = parser.parse_args()
    work(chosen.name, chosen.folder, chosen.full, chosen.data_dir)


if __name__ == "__main__":
    main()
