"""A sweep on a Ray cluster: every cell is a task, whose result comes back into the store.

A node keeps what it computes in a cache of its own and sends the finished run back as the same files that
``runs export`` writes, so no file system need be shared.  The last bits of a result depend on the number of
threads; it is fixed here, because Ray would set it to one.
"""

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import platformdirs
import torch

import mipp_core
from mipp_core.errors import MippError, SettingError
from mipp_core.experiments.sweep import run
from mipp_core.runs.document import SpecDocument
from mipp_core.runs.spec import RunSpec
from mipp_core.store import Store
from mipp_core.store.transfer import pack_run, unpack_run

Watch = Callable[[RunSpec, str, str], None]
"""Receives a cell, its state and a message whenever one ends."""


def run_on_ray(
    cells: Sequence[RunSpec],
    store: Store,
    watch: Watch,
    *,
    address: str = "auto",
    device: str = "cpu",
    threads: int | None = None,
    data_dir: Path | None = None,
) -> list[str]:
    """Run the cells on an existing cluster; those the store has already are not run again.

    Args:
        cells: the runs.
        store: where results are kept.
        watch: receives each cell as it ends.
        address: of the cluster.
        device: ``cpu``, or ``cuda`` for one GPU per task.
        threads: CPU threads per task; this process's by default.
        data_dir: where downloaded datasets are, on every node.

    Returns:
        Each cell's message, in the order given; empty where it is done.

    Raises:
        SettingError: ray is not installed, or there is no cluster at the address.
    """
    ray = _connected(address)
    threads = threads or torch.get_num_threads()
    needs = {"num_cpus": threads} if device == "cpu" else {"num_gpus": 1}
    task = ray.remote(**needs, max_retries=3)(_cell)
    waiting, messages = {}, dict.fromkeys((spec.hash for spec in cells), "")
    for spec in cells:
        job = store.runs.look(spec.hash)
        if job is not None and job.state == "done":
            watch(spec, "done", "")
        else:
            waiting[task.remote(spec.to_json(), device, threads, data_dir)] = spec
    while waiting:
        (ended,), _ = ray.wait(list(waiting), num_returns=1)
        spec = waiting.pop(ended)
        messages[spec.hash] = _bring_home(ray, ended, spec, store)
        watch(spec, "failed" if messages[spec.hash] else "done", messages[spec.hash])
    return [messages[spec.hash] for spec in cells]


def _connected(address: str) -> Any:
    try:
        import ray
    except ImportError as problem:
        raise SettingError("--executor ray needs the package ray: pip install -r requirements-ray.txt.") from problem
    if not ray.is_initialized():
        try:
            ray.init(
                address=address, log_to_driver=False, runtime_env={"py_modules": [str(Path(mipp_core.__file__).parent)]}
            )
        except ConnectionError as problem:
            raise SettingError(
                f"There is no Ray cluster at {address!r}; start one with `ray start --head`, or give --address."
            ) from problem
    return ray


def _cell(spec: SpecDocument, device: str, threads: int, data_dir: Path | None) -> tuple[bytes, str]:
    """Do one run on a node; return the packed run, or why there is none."""
    torch.set_num_threads(threads)
    store = Store(Path(platformdirs.user_cache_path("mipp")) / "ray" / socket.gethostname())
    wanted = RunSpec.from_json(spec)
    try:
        result, _ = run(wanted, store, data_dir=data_dir, device=device)
    except MippError as problem:
        return b"", str(problem)
    store.runs.record(wanted, result.to_json())
    return pack_run(store, wanted.hash), ""


def _bring_home(ray: Any, ended: Any, spec: RunSpec, store: Store) -> str:
    try:
        content, message = ray.get(ended)
    except ray.exceptions.RayError as problem:
        message = f"The task was lost ({type(problem).__name__}: {str(problem).splitlines()[0]})."
    if message:
        store.runs.fail(spec, message)
    else:
        unpack_run(store, content)
    return message
