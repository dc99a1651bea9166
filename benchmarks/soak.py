"""Does memory grow from run to run?  `python -m benchmarks.soak [--runs 200] [--json OUT]`

Starts the app with a store of its own and asks for so many small runs, one after another, as a page does: an MLP on the
embedded sample, pruned by magnitude, another seed each.  Whenever ten are done a visitor looks at Explore and moves the
slider.  Prints the resident memory of the app and of the worker on the way, and by how much each grows per run: the
slope over the last three quarters, since both fill caches at first.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.kills import workers
from benchmarks.visitors import Visitor, app_with
from mipp_core import NetworkSpec, Recipe, RunSpec, Store, jobs, pruner

EVERY = 10


def spec(seed: int) -> RunSpec:
    """Return a run that takes a second."""
    network = NetworkSpec("mlp", "mnist-sample", (32, 16), recipe=Recipe(1), seed=seed)
    return RunSpec(
        network, pruner="magnitude", settings=pruner("magnitude"), sparsities=(0.3, 0.6), retraining=Recipe(1)
    )


def resident(process: int) -> float:
    """Return the memory that a process has, in MB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def server_of(host: str) -> int:
    """Return the process that listens at a port: the one whose command line has it."""
    port = host.partition(":")[2].encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"streamlit" in words and port in words:
            return int(entry.name)
    raise ProcessLookupError(f"No app at {host}.")


async def look(host: str) -> list[str]:
    """Open Explore and move the slider as a visitor; return the errors shown."""
    visitor = Visitor(host)
    await visitor.open()
    for level in (5, 12):
        await visitor.move(level)
    await visitor.close()
    return visitor.errors


def slope(numbers: Sequence[int], values: Sequence[float]) -> float:
    """Return by how much the values grow per run, over the last three quarters."""
    start = len(numbers) // 4
    across, up = numbers[start:], values[start:]
    middle, mean = statistics.fmean(across), statistics.fmean(up)
    spread = sum((x - middle) ** 2 for x in across)
    return sum((x - middle) * (y - mean) for x, y in zip(across, up, strict=True)) / spread


def main() -> None:
    """Print a table, and the two slopes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args()
    numbers, app, worker = list[int](), list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder, app_with(Path(folder)) as host:
        store, server, began = Store(Path(folder)), server_of(host), time.perf_counter()
        print("| runs done | app, MB | worker, MB |\n| --- | --- | --- |", flush=True)
        for number in range(1, options.runs + 1):
            asked = spec(number)
            jobs.start(asked, store)
            while (job := store.runs.look(asked.hash)) is None or job.state not in ("done", "failed"):
                time.sleep(0.05)
            if job.state == "failed":
                raise SystemExit(job.message)
            if number % EVERY == 0:
                errors = asyncio.run(look(host))
                if errors:
                    raise SystemExit(f"shown: {errors}")
                numbers.append(number)
                app.append(resident(server))
                worker.append(max(map(resident, workers(Path(folder)))))
                print(f"| {number} | {app[-1]:.0f} | {worker[-1]:.0f} |", flush=True)
        taken = time.perf_counter() - began
    grows = {"app": 1000 * slope(numbers, app), "worker": 1000 * slope(numbers, worker)}
    print(f"\ngrows per run: app {grows['app']:.0f} kB, worker {grows['worker']:.0f} kB; {taken:.0f} s in all")
    if options.json:
        document = {"runs": numbers, "app": app, "worker": worker, "kB per run": grows, "seconds": taken}
        options.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
