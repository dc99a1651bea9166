"""Start the worker of a device, unless it has one: ``python start_worker.py LOCK STORE DEVICE IDLE``.

Run as a file, so that the lock is taken at once and not after the seconds that importing PyTorch takes: if several
are started at the same moment, all but one end here.
"""

import sys
from pathlib import Path

from filelock import FileLock, Timeout

sys.path[0] = str(Path(__file__).parents[2])  # the project, in place of this folder


def main(lock: str, store: str, device: str, idle: str) -> None:
    """Hold the lock until the process ends, and work."""
    try:
        with FileLock(lock).acquire(timeout=0):
            from mipp_core.jobs.worker import serve  # noqa: PLC0415

            serve(Path(store), device, float(idle))
    except Timeout:
        pass  # the device has a worker, which is all that was wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
