"""One level's slim network, rebuilt from a run, beside the dense one it was cut from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from mipp_core.checkpoints.fitting import expected
from mipp_core.errors import SettingError
from mipp_core.exporting import Written, write
from mipp_core.latency import BATCHES, LatencyComparison, compare_latency
from mipp_core.models import Architecture
from mipp_core.reports.archive import slim_description, slim_network
from mipp_core.runs.document import RunDocument
from mipp_core.runs.result import entry_of
from mipp_core.runs.spec import RunSpec

_MOST_MACS = 50_000_000_000
"""For one batch through the dense network: one to three seconds on one processor core."""


@dataclass(frozen=True)
class SlimNetwork:
    """One level of a run.

    Attributes:
        run: the run's document.
        level: of the sweep; its weights are kept.
        weights: of the slim network.
        measure: how they were made: pruned, recalibrated, rebuilt or retrained.
    """

    run: RunDocument
    level: int
    weights: dict[str, Tensor]
    measure: str = "retrained"

    @cached_property
    def architecture(self) -> Architecture:
        """The dense network's."""
        return RunSpec.from_json(self.run["spec"]).network.architecture

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        return self.architecture.image_shape

    @cached_property
    def network(self) -> nn.Module:
        """The slim network, on the cpu, in evaluation mode.

        Raises:
            ModelError: the weights do not fit.
        """
        return slim_network(slim_description(self.run, self.level), self.weights)

    def dense(self) -> nn.Module:
        """Return the dense network with random weights; it takes as long as with its own."""
        return self.architecture.build().eval()

    def sizes(self) -> pd.DataFrame:
        """Return what both cost.

        Index: parameters, MACs, bytes of the weights.  Columns: dense, slim, ratio (dense over slim).
        """
        entry = entry_of(self.run, self.level)
        rows = {
            "parameters": (self.run["parameters"], entry["parameters"]),
            "macs": (self.run["macs"], entry["macs"]),
            "bytes": (_bytes(expected(self.architecture)), _bytes(self.weights)),
        }
        table = pd.DataFrame(rows, index=["dense", "slim"]).T
        return table.assign(ratio=table.dense / table.slim)

    def write(self, kind: str) -> Written:
        """Write the network as a file of one of the ``FORMATS``, and measure how far the file's outputs are from it.

        Raises:
            ModelError: it cannot be exported, or the file computes something else.
            SettingError: a package that the format needs is not installed.
        """
        return write(kind, self.network, self.image_shape)

    def latency(self, device: str = "cpu", seconds: float = 3.0) -> pd.DataFrame:
        """Measure both networks in turns; one row per batch size, see ``latency_table``.

        Args:
            device: where to measure.
            seconds: for all measurements together.

        Raises:
            SettingError: the device's memory does not suffice.
        """
        try:
            return latency_table(
                compare_latency(self.dense(), self.network, self.image_shape, self.batches(), device, seconds)
            )
        except torch.OutOfMemoryError as problem:
            raise SettingError(
                f"The memory of {device} does not suffice for {self.batches()[-1]} images at a time; wait until no run "
                "goes on, or measure on the cpu."
            ) from problem

    def batches(self) -> tuple[int, ...]:
        """Return batch sizes for a measurement of latency that someone waits for: 1 and up to 256 images."""
        most = BATCHES[-1]
        while most > 2 and most * self.run["macs"] > _MOST_MACS:
            most //= 2
        return (1, most)


def latency_table(compared: tuple[LatencyComparison, ...]) -> pd.DataFrame:
    """Return one row per batch size.

    Columns: batch; dense, dense_low, dense_high, slim, slim_low, slim_high (median, 10% and 90%, in milliseconds);
    ratio (medians, dense over slim); device, threads, dtype, repeats (measured runs of each network).
    """
    return pd.DataFrame(
        {
            "batch": pair.dense.batch_size,
            **{name: one.median_ms for name, one in _both(pair)},
            **{f"{name}_low": one.p10_ms for name, one in _both(pair)},
            **{f"{name}_high": one.p90_ms for name, one in _both(pair)},
            "ratio": pair.ratio,
            **{name: getattr(pair.slim, name) for name in ("device", "threads", "dtype", "repeats")},
        }
        for pair in compared
    )


def _both(pair: LatencyComparison) -> tuple[tuple[str, Any], ...]:
    return ("dense", pair.dense), ("slim", pair.slim)


def _bytes(state: dict[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in state.values())
