"""How long somebody at the page waits for a live run, from the click: ``python -m benchmarks.live_run``.

The worker is started and asked as the page does it, with a store of its own, and the store is watched as the page
watches it.  Seconds are those on the wall; CPU seconds are the worker's own, which say what a quiet machine needs at
least (on Linux only).
"""

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from mipp_core import jobs
from mipp_core.information import fine_schedule
from mipp_core.pruners import pruner
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store, schema

_LOOK = 0.02  # seconds between looks


@dataclass
class Watch:
    """What a run was seen doing: stages in their order with seconds on the wall and of the processor."""

    store: Store
    worker: int
    stages: dict[str, list[float]] = field(default_factory=dict)
    _stage: str = "Waiting"
    _wall: float = field(default_factory=time.perf_counter)
    _cpu: float = 0.0

    def __post_init__(self) -> None:
        self._cpu = cpu_of(self.worker)

    def until(self, name: str, wanted: str) -> float:
        """Look until a run is ``rebuilt`` or ``done``; return when that was."""
        while True:
            job, now = self.store.runs.look(name), time.perf_counter()
            assert job is not None
            assert job.state not in ("failed", "cancelled"), job.message
            self._count(job.stage.split(" ")[0], now)
            if (wanted == "rebuilt" and job.changed_at) or job.state == "done":
                return now
            time.sleep(_LOOK)

    def _count(self, stage: str, now: float) -> None:
        cpu = cpu_of(self.worker)
        spent = self.stages.setdefault(self._stage, [0.0, 0.0])
        spent[0] += now - self._wall
        spent[1] += cpu - self._cpu
        self._stage, self._wall, self._cpu = stage, now, cpu


def cpu_of(process: int) -> float:
    """Return the processor's seconds that a process has taken; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def ready_worker(store: Store) -> Iterator[int]:
    """Start a worker as the page does, and yield its process once it can take a run."""
    jobs.warm(store)
    query = select(schema.workers.c.pid).where(schema.workers.c.device == jobs.devices()[0])
    while True:
        with store.database.reading() as connection:
            process = connection.execute(query).scalar_one_or_none()
        if process is not None:
            break
        time.sleep(_LOOK)
    try:
        yield process
    finally:
        os.kill(process, signal.SIGTERM)


def main() -> None:
    """Time one run, from the click to all levels rebuilt, and on to all levels retrained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="lenet5")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fine", action="store_true", help="the fine schedule")
    parser.add_argument("--first", action="store_true", help="stop when all levels are rebuilt")
    asked = parser.parse_args()
    spec = RunSpec(
        NetworkSpec(asked.model, "mnist-sample", seed=asked.seed),
        pruner="mipp-closed-form",
        settings=pruner("mipp-closed-form"),
        confidences=fine_schedule() if asked.fine else None,
        controls=("random", "magnitude"),
    )
    with tempfile.TemporaryDirectory() as folder:
        store, started = Store(Path(folder)), time.perf_counter()
        with ready_worker(store) as worker:
            print(f"{'worker ready':<24}{time.perf_counter() - started:8.1f} s {cpu_of(worker):8.1f} CPU s (before)")
            watch, clicked = Watch(store, worker), time.perf_counter()
            jobs.start(spec, store)
            rebuilt = watch.until(spec.hash, "rebuilt")
            _print(watch)
            print(f"{'all levels rebuilt':<24}{rebuilt - clicked:8.1f} s from the click")
            if not asked.first:
                watch.stages.clear()
                done = watch.until(spec.hash, "done")
                _print(watch)
                print(f"{'all levels retrained':<24}{done - clicked:8.1f} s from the click")


def _print(watch: Watch) -> None:
    for stage, (wall, cpu) in watch.stages.items():
        print(f"{stage:<24}{wall:8.1f} s {cpu:8.1f} CPU s")


if __name__ == "__main__":
    main()
