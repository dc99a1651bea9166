"""What a benchmark measures: the same work done two ways in turn, and how often the one takes the other's time."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

Work = Callable[[], object]
"""Does it once."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        work: what is done.
        against: what it is held against.
        ours: seconds of each repetition.
        theirs: seconds of the other way, each taken right before ours.
        wanted: the ratio that is aimed at on this device; None where none is named.
        same: how what the two give compares, in words.
    """

    work: str
    against: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    wanted: float | None = None
    same: str = ""

    @property
    def ratio(self) -> float:
        """How many times as fast ours is: the quotient of the medians."""
        return statistics.median(self.theirs) / statistics.median(self.ours)

    @property
    def ratios(self) -> tuple[float, float]:
        """The lowest and the highest ratio of one repetition."""
        found = [their / our for our, their in zip(self.ours, self.theirs, strict=True)]
        return min(found), max(found)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {"ratio": self.ratio, "ratios": list(self.ratios)}

    def __str__(self) -> str:
        low, high = self.ratios
        wanted = f"{self.wanted:g}" if self.wanted else ""
        cells = [self.work, self.against, _seconds(self.ours), _seconds(self.theirs)]
        return f"| {' | '.join([*cells, f'{self.ratio:.1f} ({low:.1f} to {high:.1f})', wanted, self.same])} |"


HEADING = """| work | against | ours, s | theirs, s | times as fast | wanted | the same? |
| --- | --- | --- | --- | --- | --- | --- |"""


@dataclass(frozen=True)
class How:
    """How benchmarks are run.

    Attributes:
        device: ours and theirs.
        times: repetitions, each way in turn.
        full: sizes as they are used, in place of small ones.
    """

    device: torch.device
    times: int = 3
    full: bool = False

    def finish(self) -> None:
        """Wait until the device has nothing to do."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def timed(self, work: Work) -> tuple[object, float]:
        """Do it once; return what it gives, and seconds."""
        self.finish()
        started = time.perf_counter()
        found = work()
        self.finish()
        return found, time.perf_counter() - started

    def compare(self, ours: Work, theirs: Work) -> tuple[tuple[float, ...], tuple[float, ...], object, object]:
        """Do both in turn, after once for warming up; return seconds of ours and theirs, and what both gave last."""
        ours(), theirs()
        mine, other = [], []
        for _ in range(self.times):
            their, seconds = self.timed(theirs)
            other.append(seconds)
            our, seconds = self.timed(ours)
            mine.append(seconds)
        return tuple(mine), tuple(other), our, their


Measure = Callable[[How], Iterator[Row]]
"""Yields the lines of one benchmark, one after the other."""


def _seconds(found: tuple[float, ...]) -> str:
    middle = statistics.median(found)
    return f"{middle:.3f}" if middle < 1 else f"{middle:.2f}" if middle < 100 else f"{middle:.0f}"


def machine(device: torch.device) -> dict[str, Any]:
    """Say on what it was measured."""
    packages = {}
    for name in ("torch", "torchvision", "mipp", "torch-pruning"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        **packages,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123  not a file of ours
            named = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        named = []
    return named[0] if named else platform.processor() or platform.machine()
