"""The command ``runs``: what the store holds, and what can be done with it."""

import re
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mipp_core import jobs
from mipp_core.data import shown
from mipp_core.errors import DataError, SettingError
from mipp_core.reports.tables import curve_table, headline
from mipp_core.runs import RunSpec
from mipp_core.store import BATCH, Job, Store
from mipp_core.store.files import write_json
from mipp_core.store.transfer import export_run, import_run

Answer = tuple[Any, list[str]]

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def runs(chosen: Namespace) -> Answer:
    """Do what was asked of the store."""
    return _ACTIONS[chosen.action](chosen, Store.at(chosen.store))


def _list(chosen: Namespace, store: Store) -> Answer:
    found = [job for job in store.runs.list() if chosen.state in (None, job.state)]
    head = f"{'run':16}  {'state':9} {'done':>5}  what"
    rows = [f"{job.hash:16}  {job.state:9} {job.done:>5.0%}  {_what(job)}  {job.message}".rstrip() for job in found]
    return [asdict(job) for job in found], [head, *rows]


def _what(job: Job) -> str:
    network = job.spec["network"]
    start = "trained" if job.spec["trained"] else "at initialisation"
    return f"{network['model']} {shown(network['dataset'])} {start} {job.spec['pruner']} seed {network['seed']}"


def _show(chosen: Namespace, store: Store) -> Answer:
    job = _named(chosen, store)[0]
    document = store.runs.document(job.hash)
    figures = headline(document) if document else {}
    lines = [f"{name}: {value}" for name, value in {**asdict(job), **figures}.items() if value not in ("", None, ())]
    return {**asdict(job), "document": document}, lines


def _cancel(chosen: Namespace, store: Store) -> Answer:
    return _each(chosen, store, lambda job: store.runs.cancel(job.hash), "cancelled")


def _retry(chosen: Namespace, store: Store) -> Answer:
    answer = _each(chosen, store, lambda job: store.runs.ask(RunSpec.from_json(job.spec), lane=BATCH), "queued")
    jobs.ensure(store)
    return answer


def _delete(chosen: Namespace, store: Store) -> Answer:
    return _each(chosen, store, lambda job: store.runs.delete(job.hash), "deleted")


def _each(chosen: Namespace, store: Store, do: Any, word: str) -> Answer:
    found = _named(chosen, store)
    for job in found:
        do(job)
    return {word: [job.hash for job in found]}, [f"{word} {job.hash}" for job in found]


def _export(chosen: Namespace, store: Store) -> Answer:
    paths = [_write(store, job.hash, chosen.format, chosen.to) for job in _named(chosen, store)]
    return {"written": [str(path) for path in paths]}, [f"wrote {path}" for path in paths]


def _write(store: Store, name: str, kind: str, to: Path) -> Path:
    document = store.runs.document(name)
    if document is None:
        raise DataError(f"The run {name} has no result yet; wait for it, or look at: runs show {name}.")
    path = to / f"mipp-{name}{'' if kind == 'folder' else f'.{kind}'}"
    if kind == "folder":
        export_run(store, name, path)
    elif kind == "json":
        write_json(path, document)
    else:
        to.mkdir(parents=True, exist_ok=True)
        curve_table(document).to_csv(path, index=False)
    return path


def _import(chosen: Namespace, store: Store) -> Answer:
    names = [import_run(store, folder) for folder in chosen.folders]
    return {"imported": names}, [f"imported {name}" for name in names]


def _gc(chosen: Namespace, store: Store) -> Answer:
    freed = store.collect(_bytes(chosen.budget) if chosen.budget else None)
    space = store.space()
    return {"freed": freed, **asdict(space)}, [f"{freed} bytes freed; {space.tensors} bytes of weights stay"]


def _bytes(text: str) -> int:
    """Read 500MB or 2GB."""
    read = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]B)?", text.strip().upper())
    if not read:
        raise SettingError(f"The budget {text!r} is not a size; write it as 500MB or 2GB.")
    return int(float(read[1]) * _UNITS[read[2] or ""])


def _named(chosen: Namespace, store: Store) -> list[Job]:
    """Return the runs whose hashes begin with what was given."""
    known = store.runs.list()
    found = []
    for name in chosen.names:
        matching = [job for job in known if job.hash.startswith(name)]
        if len(matching) != 1:
            problem = "no run" if not matching else f"{len(matching)} runs"
            raise SettingError(f"There are {problem} whose hash begins with {name!r}; see: runs list.")
        found += matching
    return found


_ACTIONS = {
    "list": _list,
    "show": _show,
    "cancel": _cancel,
    "retry": _retry,
    "delete": _delete,
    "export": _export,
    "import": _import,
    "gc": _gc,
}
