"""What a pruner that decides will take, said before it starts; each such pruner has a file that knows."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

import torch
from torch import nn

from mipp_core.evaluation import evaluating
from mipp_core.network.layers import device_of
from mipp_core.pruners.contract import Pruner

_TIMED_IMAGES = 4


@dataclass(frozen=True)
class Plan:
    """What a pruner will take to decide.

    Attributes:
        layers, units: of the network, without pixels; the times include testing pixels if that is set.
        samples: activations.
        levels: confidences that are swept together.
        how: what a test is made of, in words.
        bytes: most memory taken by images and all that is made of them, not counting the network's own maps.
        least_seconds, usual_seconds, most_seconds: of pruning.
    """

    layers: int
    units: int
    samples: int
    levels: int
    how: str
    bytes: int
    least_seconds: float
    usual_seconds: float
    most_seconds: float

    def __str__(self) -> str:
        range_ = f"{duration(self.least_seconds)} to {duration(self.most_seconds)}, depending on the tests"
        swept = f" at {self.levels} levels" if self.levels > 1 else ""
        head = f"{self.units:,} units of {self.layers} layers{swept}"
        how = f"{self.samples:,} samples, {self.how}, {_amount(self.bytes)}"
        return f"about {duration(self.usual_seconds)} ({range_}): {head}; {how}"


def _amount(count: int) -> str:
    return f"{count / 1e6:.0f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"


def duration(seconds: float) -> str:
    """Return a time in words, to about two digits."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


@singledispatch
def plan(
    settings: Pruner, model: nn.Module, image_shape: tuple[int, int, int], samples: int, levels: int
) -> Plan | None:
    """Estimate what a run will take on the network's device; this takes a few seconds itself.

    Args:
        settings: of the run.
        model: left bit-identical.
        image_shape: channels, height and width.
        samples: number of images available.
        levels: confidences asked for.

    Returns:
        None if the pruner has no plan.
    """
    return None


def forward_seconds(model: nn.Module, image_shape: tuple[int, int, int]) -> float:
    """Return the seconds that one image takes."""
    images = torch.zeros(_TIMED_IMAGES, *image_shape, device=device_of(model))
    with evaluating(model):
        return seconds_of(lambda: model(images), device_of(model)) / _TIMED_IMAGES


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds that some work takes, having done it once before."""
    for _ in range(2):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return time.perf_counter() - started
