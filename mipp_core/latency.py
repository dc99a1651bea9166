"""Measures how long a network takes for a batch, and compares a dense network with its slim one."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter

import torch
from torch import nn

from mipp_core.errors import SettingError

_WARM_UP = 0.2
"""Share of the time spent before measuring, until caches, clock rates and the choice of kernels have settled."""

_FEWEST = 5
_MOST = 10_000
"""Fewest and most measured runs of each network, whatever the time."""

BATCHES = (1, 256)
"""One image, as for a user who waits for the answer; and enough images to keep the device busy."""

Call = Callable[[], float]


@dataclass(frozen=True)
class Latency:
    """Milliseconds that a network takes for one batch.

    Attributes:
        batch_size: images in the batch.
        median_ms, p10_ms, p90_ms: over the measured runs.
        repeats: measured runs.
        device: its name.
        threads: of PyTorch on the cpu.
        dtype: of weights and images.
    """

    batch_size: int
    median_ms: float
    p10_ms: float
    p90_ms: float
    repeats: int
    device: str
    threads: int
    dtype: str


@dataclass(frozen=True)
class LatencyComparison:
    """A dense network and its slim one, run alternately on the same images."""

    dense: Latency
    slim: Latency

    @property
    def ratio(self) -> float:
        """Return how many times as fast the slim network is: the dense median over the slim one."""
        return self.dense.median_ms / self.slim.median_ms


def latency(
    model: nn.Module,
    image_shape: tuple[int, int, int],
    batch_size: int = 1,
    device: str | torch.device = "cpu",
    seconds: float = 2.0,
) -> Latency:
    """Measure one network on random images, in evaluation mode and without gradients.

    On an accelerator a run ends when the device has finished, so the time to launch its work is included.

    Args:
        model: left alone; a copy is measured.
        image_shape: channels, height and width of one image.
        batch_size: images at a time, at least 1.
        device: where to measure.
        seconds: for all runs together, warm-up included; exceeded only where a few runs take longer.

    Raises:
        SettingError: a batch without images, or no time.
    """
    return _measure([model], image_shape, batch_size, torch.device(device), seconds)[0]


def compare_latency(
    dense: nn.Module,
    slim: nn.Module,
    image_shape: tuple[int, int, int],
    batches: tuple[int, ...] = BATCHES,
    device: str | torch.device = "cpu",
    seconds: float = 2.0,
) -> tuple[LatencyComparison, ...]:
    """Measure two networks alternately, so that the machine's drift affects both; one comparison per batch size.

    Args and errors as for ``latency``; ``seconds`` is for all batch sizes together, of which there is at least one.
    """
    if not batches:
        raise SettingError("No batch sizes were given; give at least one, such as 1 or 256.")
    share = seconds / len(batches)
    return tuple(
        LatencyComparison(*_measure([dense, slim], image_shape, batch, torch.device(device), share))
        for batch in batches
    )


def _measure(
    models: list[nn.Module], image_shape: tuple[int, int, int], batch_size: int, device: torch.device, seconds: float
) -> list[Latency]:
    if batch_size < 1 or seconds <= 0:
        raise SettingError(
            f"The latency of {batch_size} images in {seconds} seconds cannot be measured; give at least 1 image and "
            "more than 0 seconds."
        )
    calls = [_call(deepcopy(model).to(device).eval(), batch_size, image_shape, device) for model in models]
    _rounds(calls, seconds * _WARM_UP, fewest=1)
    columns = zip(*_rounds(calls, seconds * (1 - _WARM_UP), fewest=_FEWEST), strict=True)
    return [_summary(column, batch_size, device, model) for column, model in zip(columns, models, strict=True)]


def _call(model: nn.Module, batch_size: int, image_shape: tuple[int, int, int], device: torch.device) -> Call:
    """Return a function that runs the network once, to the end, and returns the seconds it took."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(batch_size, *image_shape, generator=generator, dtype=_dtype(model)).to(device)

    def run() -> float:
        started = perf_counter()
        model(images)
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        return perf_counter() - started

    return run


@torch.inference_mode()
def _rounds(calls: list[Call], seconds: float, fewest: int) -> list[list[float]]:
    """Run all networks alternately until the time is up; return each round's seconds."""
    ends = perf_counter() + seconds
    rounds: list[list[float]] = []
    while len(rounds) < fewest or (perf_counter() < ends and len(rounds) < _MOST):
        rounds.append([call() for call in calls])
    return rounds


def _summary(seconds: tuple[float, ...], batch_size: int, device: torch.device, model: nn.Module) -> Latency:
    tenths = [1000 * cut for cut in quantiles(seconds, n=10, method="inclusive")]
    dtype = str(_dtype(model)).removeprefix("torch.")
    return Latency(
        batch_size, tenths[4], tenths[0], tenths[8], len(seconds), _name(device), torch.get_num_threads(), dtype
    )


def _dtype(model: nn.Module) -> torch.dtype:
    return next((parameter.dtype for parameter in model.parameters()), torch.get_default_dtype())


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
