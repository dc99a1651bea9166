"""Is the time to go true?  `python -m benchmarks.time_to_go [--method closed-form|perceptrons] [--retrained]`

Starts a run as the page does, LeNet5 on the embedded sample, in a store of its own, and looks at it every second.
Prints what the page said beside what was true: at the first word, and at a tenth, a quarter, a half, three quarters and
nine tenths of the time.
"""

import argparse
import os
import signal
import tempfile
import time
from pathlib import Path

from benchmarks.kills import workers
from mipp_core import NetworkSpec, RunSpec, Store, jobs, pruner
from mipp_core.recipes import RECIPES

PLACES = (0.1, 0.25, 0.5, 0.75, 0.9)


def watched(spec: RunSpec, store: Store) -> list[tuple[float, float | None, str]]:
    """Return seconds since the start, those that were said to be left, and the stage, until the run is done."""
    jobs.start(spec, store)
    began, found = time.perf_counter(), list[tuple[float, float | None, str]]()
    while True:
        time.sleep(1.0)
        job = store.runs.look(spec.hash)
        assert job is not None
        found.append((time.perf_counter() - began, job.remaining, job.stage))
        if job.state in ("done", "failed"):
            return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=["closed-form", "perceptrons"], default="perceptrons")
    parser.add_argument("--retrained", action="store_true", help="retrain every level")
    options = parser.parse_args()
    name = "mipp-closed-form" if options.method == "closed-form" else "mipp"
    network = NetworkSpec("lenet5", "mnist-sample", recipe=RECIPES["live"])
    retraining = RECIPES["live-retrain" if options.retrained else "none"]
    spec = RunSpec(network, pruner=name, settings=pruner(name), retraining=retraining)
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = watched(spec, Store(Path(folder)))
        finally:
            for worker in workers(Path(folder)):
                os.kill(worker, signal.SIGKILL)
    whole = found[-1][0]
    said = [each for each in found if each[1] is not None]
    print(f"{whole:.0f} s in all; first said after {said[0][0]:.0f} s\n" if said else "never said\n")
    print("| after | stage | said to go | true |\n| --- | --- | --- | --- |")
    for share in PLACES:
        seconds, remaining, stage = min(found, key=lambda each, share=share: abs(each[0] - share * whole))
        words = "–" if remaining is None else f"{remaining:.0f} s"
        print(f"| {seconds:.0f} s | {stage} | {words} | {whole - seconds:.0f} s |")


if __name__ == "__main__":
    main()
