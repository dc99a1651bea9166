"""The command ``worker``: a worker in the foreground, for a machine without the app."""

from argparse import Namespace
from typing import Any

from filelock import Timeout

from mipp_core.command_line.reading import usable_device
from mipp_core.errors import SettingError
from mipp_core.jobs.launcher import lock
from mipp_core.jobs.worker import serve
from mipp_core.store import Store


def worker(chosen: Namespace) -> tuple[Any, list[str]]:
    """Work through the queue; a device has one worker at most."""
    usable_device(chosen.device)
    store = Store.at(chosen.store)
    try:
        with lock(store, chosen.device).acquire(timeout=0):
            serve(store.root, chosen.device, chosen.idle)
    except Timeout as problem:
        raise SettingError(f"{chosen.device} has a worker already; one per device is the limit.") from problem
    return {"device": chosen.device, "waiting": store.runs.waiting()}, ["nothing left to do"]
