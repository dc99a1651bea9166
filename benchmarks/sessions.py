"""Many visitors and one long run: `python -m benchmarks.sessions [visitors] [moves]`.

Starts the app with an empty store and a live run, and lets so many sessions (12 by default) open it at the same instant
and move the slider of the shipped run, each in its own time, while the run goes on.  A session speaks the browser's
protocol and draws nothing: what is timed is a rerun of the page, from the message that asks for it to the end of the
script.  (Twelve real browsers on the two cores of the server time their own drawing instead.)  Fails if the median of
the moves exceeds one second or if anybody is shown an error.
"""

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.kills import workers
from benchmarks.visitors import Visitor, app_with
from mipp_core import NetworkSpec, RunSpec, Store, jobs

_LONGEST_PAUSE = 6.0
"""Seconds between two moves of one visitor at most."""


async def visit(visitor: Visitor, moves: int, chance: random.Random) -> list[float]:
    """Open the page, then move the slider again and again; return the seconds of the moves."""
    await visitor.open()
    for number in range(moves):
        await asyncio.sleep(chance.uniform(0, _LONGEST_PAUSE))
        await visitor.move(4 + number % 15)
    await visitor.close()
    return visitor.seconds[1:]


async def main(host: str, count: int, moves: int) -> int:
    """Visit and measure."""
    visitors = [Visitor(host) for _ in range(count)]
    found = await asyncio.gather(*(visit(each, moves, random.Random(n)) for n, each in enumerate(visitors)))
    seconds, first = sorted(second for each in found for second in each), [each.seconds[0] for each in visitors]
    median, late = statistics.median(seconds), seconds[int(0.95 * len(seconds))]
    errors = [error for each in visitors for error in each.errors]
    print(f"{count} sessions at the same instant: first page after {min(first):.2f} to {max(first):.2f} s")
    print(f"{len(seconds)} moves: median {median:.2f} s, 95% {late:.2f} s, worst {max(seconds):.2f} s")
    with urllib.request.urlopen(f"http://{host}/api/health") as health:
        print(f"errors shown: {len(errors)} {set(errors) or ''}; health: {health.read().decode()}")
    return int(median > 1 or bool(errors))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        try:
            with app_with(Path(folder)) as host:
                jobs.start(RunSpec(NetworkSpec(dataset="mnist-sample")), Store(Path(folder)))
                time.sleep(15)  # the worker is at its first stage
                code = asyncio.run(main(host, *(given + [12, 8][len(given) :])))
        finally:
            for worker in workers(Path(folder)):
                os.kill(worker, 9)
    sys.exit(code)
