"""Does a run survive being killed?  `python -m benchmarks.kills [kills]`

Kills the worker of a small sweep with SIGKILL at random moments, starts another, and repeats until a number of workers
(30 by default) have been killed, with a fresh store whenever a sweep is done.  Each sweep's records, except times, must
equal those of an undisturbed sweep, and no stage may have been finished twice.
"""

import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from mipp_core import Mipp, NetworkSpec, RunSpec, Store, jobs
from mipp_core.store.schema import stages
from mipp_core.training import Recipe

_TINY = Mipp(members=2, hidden=(8,), fit_steps=200, refit_steps=2, unit_steps=2, rank_steps=2, samples=400)
_LONGEST = 6.0
"""Most seconds before a worker is killed; it takes two to three seconds to start working."""


def cells() -> list[RunSpec]:
    """Return a small sweep: two seeds, twenty levels, retrained."""
    network = NetworkSpec("mlp", widths=(12, 10), recipe=Recipe(2, batch_size=200))
    spec = RunSpec(network, settings=_TINY, retraining=Recipe(1, batch_size=200), controls=("random",))
    return [replace(spec, network=replace(network, seed=seed)) for seed in (0, 1)]


def sweep(root: Path, kills: int, chance: random.Random) -> tuple[dict[str, Any], int]:
    """Do the sweep, killing its worker up to ``kills`` times; return the records and the number of kills."""
    store, killed, since = Store(root), 0, time.monotonic()
    for spec in cells():
        store.runs.ask(spec)
    patience = chance.uniform(0.1, _LONGEST)
    while any(job.state in ("queued", "running") for job in store.runs.list()):
        jobs.ensure(store, ("cpu",), idle=5.0)
        time.sleep(0.02)
        if killed < kills and time.monotonic() - since > patience:
            killed += _kill(root)
            since, patience = time.monotonic(), chance.uniform(0.1, _LONGEST)
    return records(store), killed


def _kill(root: Path) -> bool:
    """Kill the store's worker; tell whether there was one."""
    for process in workers(root)[:1]:
        os.kill(process, signal.SIGKILL)
        return True
    return False


def workers(root: Path) -> list[int]:
    """Return the processes that work for a store or are starting to, found by their command lines."""
    found = []
    for folder in list(Path("/proc").glob("[0-9]*")):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(root.resolve()).encode() in words and any(word.endswith(b"start_worker.py") for word in words):
            found.append(int(folder.name))
    return found


def records(store: Store) -> dict[str, Any]:
    """Return every run's record without times, and how often each stage was finished."""
    documents = {job.hash: {**store.runs.document(job.hash), "seconds": None} for job in store.runs.list()}
    with store.database.reading() as connection:
        rows = connection.execute(stages.select()).all()
    return {
        "states": {job.hash: job.state for job in store.runs.list()},
        "documents": documents,
        "stages": {row.key: (row.kind, row.value, row.blob, row.times) for row in rows},
    }


def main() -> int:
    """Kill, resume, compare."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        undisturbed, _ = sweep(Path(folder) / "undisturbed", 0, chance)
        killed = sweeps = 0
        while killed < wanted:
            found, more = sweep(Path(folder) / str(sweeps), wanted - killed, chance)
            killed, sweeps = killed + more, sweeps + 1
            equal = found == undisturbed
            twice = sum(times > 1 for *_, times in found["stages"].values())
            print(f"sweep {sweeps}: {more} kills, records equal: {equal}, stages finished twice: {twice}", flush=True)
            if not equal or twice:
                return 1
    print(f"{killed} kills in {sweeps} sweeps, all resumed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
