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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
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

_TURN = RLock()


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
        with _TURN:
            if not self.is_alive():
                self._launch(data_dir)

    def _launch(self, data_dir: Path | None) -> None:
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
        write_json(self.folder / "starting.json", process.pid)
        threading.Thread(target=process.wait, daemon=True).start()  # reaps it, whenever it ends

    def cancel(self) -> None:
        """Ask it to stop at its next report."""
        if self.is_alive():
            (self.folder / "cancel").touch()

    def is_alive(self) -> bool:
        """Tell whether its process is there, or is just being started."""
        if not self.folder.is_dir():
            return False
        with _TURN:  # two that ask at once would take each other for the process
            try:
                with _lock(self.folder).acquire(timeout=0):
                    return _exists(read_json(self.folder / "starting.json"))
            except Timeout:
                return True
            except OSError:  # nothing can be written there, so nothing runs
                return False

    @property
    def state(self) -> State:
        """What has become of it."""
        if self.is_alive():
            return "running"
        failed = self._read("failed.json")
        if failed:
            return "cancelled" if failed.get("cancelled") else "failed"
        if (self.folder / "progress.json").exists():
            return "died"
        return "done" if (self.folder / "result.json").exists() else "none"

    @property
    def progress(self) -> Progress:
        """How far it has got."""
        found = self._read("progress.json") or {"stage": "starting", "done": 0.0}
        return Progress("cancelling" if (self.folder / "cancel").exists() else found["stage"], found["done"])

    @property
    def result(self) -> dict[str, Any] | None:
        """Its last document; None if there is none."""
        return self._read("result.json")

    @property
    def problem(self) -> str:
        """Why it failed, in a sentence; empty if it did not."""
        return str((self._read("failed.json") or {}).get("problem", ""))

    def _read(self, name: str) -> dict[str, Any] | None:
        found = read_json(self.folder / name)
        return found if isinstance(found, dict) else None


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / "lock", is_singleton=False)


def _exists(process: Any) -> bool:
    """Tell whether a process that was started is there; once it has its lock, nobody asks."""
    if not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


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

    try:
        with _lock(folder).acquire(timeout=0):
            (folder / "starting.json").unlink(missing_ok=True)
            _end(folder, lambda: STUDIES[name].measure(full, report, data_dir))
    except Timeout:  # another process does it already
        return


def _end(folder: Path, measure: Callable[[], dict[str, Any]]) -> None:
    """Write the document, or why there is none; only a process that is killed leaves its progress behind."""
    ended: dict[str, Any] | None = None
    try:
        write_json(folder / "result.json", measure())
    except CancelledError:
        ended = {"cancelled": True, "problem": ""}
    except MippError as problem:
        ended = {"cancelled": False, "problem": str(problem)}
    except Exception as problem:  # whatever it is, the page says it
        words = f"{type(problem).__name__}: {problem}; {folder / 'log'} has more"
        ended = {"cancelled": False, "problem": words}
    (folder / "failed.json").unlink(missing_ok=True)
    if ended:
        write_json(folder / "failed.json", ended)
    for name in ("progress.json", "cancel"):
        (folder / name).unlink(missing_ok=True)


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
