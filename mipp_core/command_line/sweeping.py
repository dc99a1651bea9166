"""The command ``sweep``: one run here and now, or a grid of runs by workers or a Ray cluster."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypedDict

from rich.console import Console
from rich.live import Live
from rich.table import Table

from mipp_core import jobs
from mipp_core.command_line.announcing import announce_collapse
from mipp_core.command_line.commands import run_now
from mipp_core.command_line.given import say_worth
from mipp_core.command_line.images import named_datasets
from mipp_core.command_line.reading import grid_of, usable_device
from mipp_core.data import shown
from mipp_core.jobs.executors import run_here
from mipp_core.reports.tables import headline
from mipp_core.runs import RunSpec
from mipp_core.runs.document import RunDocument, SpecDocument
from mipp_core.runs.grid import Grid
from mipp_core.store import Job, Store
from mipp_core.store.job import State

Answer = tuple[Any, list[str]]


class Unfinished(TypedDict):
    """What an answer says about a run without a result."""

    spec: SpecDocument
    hash: str
    state: State
    message: str


def sweep(chosen: Namespace) -> Answer:
    """Prune at all levels, for every cell of the grid."""
    cells = (_from_file(chosen) if chosen.file else grid_of(chosen)).cells()
    if len(cells) == 1 and chosen.executor is None and not chosen.file:
        return run_now(chosen, cells[0])
    store = Store.at(chosen.store)
    if not chosen.file:
        say_worth(chosen, cells[0], usable_device("cpu" if chosen.executor == "ray" else chosen.device))
    with _live_table(store, cells) as watch:
        if chosen.executor == "ray":
            _on_ray(chosen, store, cells, watch)
        else:
            devices = tuple(chosen.devices.split(",")) if chosen.devices else jobs.devices()
            run_here(cells, store, devices, lambda _: watch(), chosen.data_dir)
    return _answer(store, cells)


def _from_file(chosen: Namespace) -> Grid:
    """Read a grid from a file; images of a user's own are looked at as the flags say."""
    grid = Grid.read(chosen.file)
    return replace(grid, dataset=named_datasets(grid.dataset, chosen))


def _on_ray(chosen: Namespace, store: Store, cells: list[RunSpec], watch: Any) -> None:
    from mipp_core.jobs.executors.on_ray import run_on_ray  # noqa: PLC0415

    run_on_ray(
        cells,
        store,
        lambda *_: watch(),
        address=chosen.address,
        device=chosen.device,
        data_dir=chosen.data_dir,
    )


def _answer(store: Store, cells: list[RunSpec]) -> Answer:
    found = [store.runs.look(spec.hash) for spec in cells]
    documents = [_document(store, job) for job in found if job is not None]
    for spec in cells:
        if (done := store.runs.document(spec.hash)) is not None:
            announce_collapse(spec, done, spec.hash)
    return {"runs": documents}, [_line(store, job) for job in found if job is not None]


def failed(document: dict[str, Any]) -> bool:
    """Tell whether any run of a sweep has no result."""
    return any(run["state"] != "done" for run in document.get("runs", [document]))


def _document(store: Store, job: Job) -> RunDocument | Unfinished:
    document = store.runs.document(job.hash) if job.state == "done" else None
    return document or Unfinished(spec=job.spec, hash=job.hash, state=job.state, message=job.message)


def _line(store: Store, job: Job) -> str:
    return "  ".join([job.hash, *_cells_of(store, job)]).rstrip()


def _cells_of(store: Store, job: Job) -> list[str]:
    network = job.spec["network"]
    document = store.runs.document(job.hash) if job.state == "done" else None
    figures = headline(document) if document else {"dense": None, "removed": None}
    start = "trained" if job.spec["trained"] else "at initialisation"
    return [
        f"{network['model']} {shown(network['dataset'])} {start} {job.spec['pruner']} seed {network['seed']}",
        job.state if job.state != "running" else f"{job.stage} {job.done:.0%}",
        "" if figures["dense"] is None else f"{figures['dense']:.2%}",
        "" if figures["removed"] is None else f"{figures['removed']:.1%}",
        job.message,
    ]


@contextmanager
def _live_table(store: Store, cells: list[RunSpec]) -> Iterator[Any]:
    """Yield a function that redraws the table; without a terminal it prints a line whenever a run ends."""
    console = Console(stderr=True)
    ended: set[str] = set()

    def lines() -> None:
        for job in _jobs(store, cells):
            if job.state not in ("queued", "running") and job.hash not in ended:
                ended.add(job.hash)
                print(_line(store, job), file=sys.stderr, flush=True)

    if not console.is_terminal:
        yield lines
        return
    with Live(_table(store, cells), console=console, refresh_per_second=4) as live:
        yield lambda: live.update(_table(store, cells))


def _table(store: Store, cells: list[RunSpec]) -> Table:
    found = _jobs(store, cells)
    done = sum(job.state == "done" for job in found)
    table = Table("run", "state", "dense", "removed at -1 point", "", caption=f"{done} of {len(cells)} done")
    for job in found:
        table.add_row(*_cells_of(store, job))
    return table


def _jobs(store: Store, cells: list[RunSpec]) -> list[Job]:
    names = {spec.hash for spec in cells}
    known = {job.hash: job for job in store.runs.list() if job.hash in names}
    return [known[spec.hash] for spec in cells if spec.hash in known]
