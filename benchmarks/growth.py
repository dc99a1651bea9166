"""How time and memory grow: `python -m benchmarks.growth [--way closed-form|perceptrons] [--times 3] [--device cpu]`.

MIPP decides about the units of the hidden layer of a perceptron with 64 inputs and 64 outputs, on random images; one
of units, samples and levels is changed at a time.  Prints seconds (medians) and peak memory, and the exponent of the
power law that fits each best (least squares of logarithms), from the sizes where the work is longer than 0.02 s.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import log
from pathlib import Path

import torch
from torch import nn

from mipp_core import Mipp
from mipp_core.data import Split
from mipp_core.information import confidence_of
from mipp_core.pruners import ClosedForm, Decider
from mipp_core.vocabulary import silent

INPUTS = OUTPUTS = 64
USUAL = {"units": 256, "samples": 4000, "levels": 20}
SIZES = {
    "units": (84, 128, 256, 512, 1024, 2048),
    "samples": (1000, 2000, 4000, 8000, 16000),
    "levels": (1, 2, 5, 10, 20),
}
_LEAST = 0.02
"""Seconds; below, what does not grow hides what does."""


def network(units: int) -> nn.Module:
    """Return a perceptron."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(INPUTS, units), nn.ReLU(), nn.Linear(units, OUTPUTS)).eval()


@contextmanager
def peak(found: list[float]) -> Iterator[None]:
    """Append by how many MB the process grew, at most, within the block; looked at every 5 ms."""
    began, most, ended = _resident(), [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(0.005):
            most[0] = max(most[0], _resident())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        found.append(max(0.0, most[0] - began))


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def measured(way: Decider, sizes: dict[str, int], times: int, device: str) -> tuple[float, float]:
    """Return seconds and megabytes of one size."""
    model = network(sizes["units"]).to(device)
    images = torch.randn(sizes["samples"], 1, 8, 8, generator=torch.Generator().manual_seed(0)).to(device)
    data = Split(images, torch.zeros(len(images), dtype=torch.long, device=device))
    confidences = tuple(
        confidence_of(round(19 * place / max(1, sizes["levels"] - 1))) for place in range(sizes["levels"])
    )
    seconds, memory = [], list[float]()
    for _ in range(times):
        with peak(memory):
            started = time.perf_counter()
            way.decide(model, data, 0, confidences, silent)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), max(memory)


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float | None:
    """Return the slope of the line through the logarithms; None with fewer than three points."""
    pairs = [(log(size), log(value)) for size, value in zip(sizes, values, strict=True) if value >= _LEAST]
    if len(pairs) < 3:
        return None
    across, up = (statistics.fmean(column) for column in zip(*pairs, strict=True))
    return sum((x - across) * (y - up) for x, y in pairs) / sum((x - across) ** 2 for x, _ in pairs)


def main() -> None:
    """Print a table for each quantity."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=["closed-form", "perceptrons"], default="closed-form")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    for name, sizes in SIZES.items():
        print(f"\n| {name} | seconds | MB more |\n| --- | --- | --- |", flush=True)
        seconds = []
        for size in sizes:
            chosen = {**USUAL, name: size}
            way: Decider = ClosedForm(samples=chosen["samples"]) if options.way == "closed-form" else Mipp()
            taken, memory = measured(way, chosen, options.times, options.device)
            seconds.append(taken)
            print(f"| {size:,} | {taken:.3f} | {memory:,.0f} |", flush=True)
        found = exponent(sizes, seconds)
        print(f"\nseconds grow as {name} to the power {found:.2f}" if found is not None else "\ntoo short to tell")


if __name__ == "__main__":
    main()
