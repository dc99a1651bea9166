"""A sweep on this machine: every cell is a run in the queue, with one worker process per device."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mipp_core import jobs
from mipp_core.runs.spec import RunSpec
from mipp_core.store import BATCH, Job, Store

Watch = Callable[[list[Job]], None]
"""Receives the state of every cell, again and again."""

_LOOK = 0.5


def run_here(
    cells: Sequence[RunSpec], store: Store, devices: tuple[str, ...], watch: Watch, data_dir: Path | None = None
) -> list[Job]:
    """Queue the cells and wait for the workers; cells that are done already are not run again.

    Interrupted, it takes back what has not begun and asks the rest to stop; run again, it goes on from there.

    Args:
        cells: the runs.
        store: where they are kept.
        devices: each gets a worker.
        watch: receives the cells' states.
        data_dir: where downloaded datasets are.

    Returns:
        How each cell ended, in the order given.
    """
    for spec in cells:
        store.places.keep(spec.network.dataset)
        store.runs.ask(spec, lane=BATCH, data_dir=str(data_dir) if data_dir else None)
    try:
        while True:
            found = {job.hash: job for job in store.runs.list()}
            mine = [found[spec.hash] for spec in cells if spec.hash in found]
            watch(mine)
            if all(job.state not in ("queued", "running") for job in mine):
                return mine
            jobs.ensure(store, devices)
            time.sleep(_LOOK)
    except KeyboardInterrupt:
        for spec in cells:
            store.runs.cancel(spec.hash)
        raise
