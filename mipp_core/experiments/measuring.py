"""What a level is worth without labels: cut, recalibrated and rebuilt, and measured."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import Aims, rebuild
from mipp_core.cutting.recalibration import recalibrate
from mipp_core.cutting.surgery import check_exact, cut_difference, shrink
from mipp_core.data import Samples
from mipp_core.evaluation import accuracy, macs, parameters
from mipp_core.experiments.masking import bare
from mipp_core.experiments.subject import Subject
from mipp_core.network.operations import BATCH_NORMS
from mipp_core.runs.result import Accuracies
from mipp_core.store import Outcome

_COMPARE_ON = 64  # test images for the difference between the cut network and the masked one

_WAITING = 30_000_000
"""Weights of slim networks that are kept until they are measured on the training split: 120 MB in float32."""

_BOTH_SPLITS = 3
"""How the stage was numbered while it measured both splits; what a store has of those is used."""

Slims = list[tuple[str, nn.Module]]
"""Slim networks of one level, each with the word for how its weights were made."""


@dataclass(frozen=True)
class Measuring(Subject):
    """The part of a run that somebody at a page waits for: every level cut, rebuilt and measured."""

    _waiting: dict[str, Slims] = field(default_factory=dict, compare=False, repr=False)
    _ahead: dict[str, "Future[tuple[dict[str, Any], Slims]]"] = field(default_factory=dict, compare=False, repr=False)

    def measure(self, masks: KeepMasks) -> Outcome:
        """Cut, count, compare, recalibrate and rebuild, and measure on the test split.

        Returns:
            ``parameters``, ``macs``, ``cut_difference``, and the accuracies pruned, recalibrated and rebuilt; None for
            recalibrated where there is no batch normalisation.
        """

        def make() -> Outcome:
            ahead = self._ahead.pop(_named(masks), None)
            value, self._waiting[_named(masks)] = ahead.result() if ahead else self._measured(masks)
            return Outcome(value)

        outcome = self.stages.remember("measure", self._asked(masks), make)
        if sum(parameters(slim) for made in self._waiting.values() for _, slim in made) > _WAITING:
            self.seen_in_training(masks)
        return outcome

    @contextmanager
    def side_by_side(self, levels: Sequence[KeepMasks]) -> Iterator[None]:
        """Within the block, ``measure`` finds these levels done or being done, as many at once as there are threads.

        Of a small network every operation is too short to be shared by threads, and whole levels are not.  Large
        networks, and those on an accelerator, are measured one after another.
        """
        threads = _threads_of(self.device)
        wanted = {_named(m): m for m in levels if not self.stages.knows("measure", self._asked(m))}
        if threads == 1 or 2 * len(wanted) * parameters(self.model) > _WAITING:
            yield
            return
        _ = self._aims
        pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
        self._ahead.update({name: pool.submit(self._measured, masks) for name, masks in wanted.items()})
        try:
            yield
        finally:
            pool.shutdown(cancel_futures=True)
            self._ahead.clear()

    def _measured(self, masks: KeepMasks) -> tuple[dict[str, Any], Slims]:
        """Make a level's slim networks and measure them; this touches neither the store nor the dense network."""
        made = list(self._made_of(masks))
        slim = made[0][1]
        value = {
            "parameters": parameters(slim),
            "macs": macs(slim, self.data.image_shape),
            "cut_difference": self._cut_difference(slim, masks),
        }
        return {**value, **self._accuracies(made, masks, "accuracy", self.data.test)}, made

    def seen_in_training(self, masks: KeepMasks) -> Outcome:
        """Measure the same networks on the training split: ``train_accuracy_pruned``, ``_recalibrated``, ``_rebuilt``.

        Whoever waits looks at the test split, so this comes later; small networks are kept until then.
        """

        def make() -> Outcome:
            made = self._waiting.get(_named(masks)) or list(self._made_of(masks))
            return Outcome(self._accuracies(made, masks, "train_accuracy", self._seen_in_training))

        asked = self._asked(masks)
        split = {} if asked["measures"] == _BOTH_SPLITS else {"split": "train"}
        outcome = self.stages.remember("measure", {**asked, **split}, make)
        self._waiting.pop(_named(masks), None)
        return outcome

    def measured(self, masks: KeepMasks) -> Accuracies:
        """Return what is found on both splits as accuracies."""
        value = {**self.measure(masks).value, **self.seen_in_training(masks).value}
        return Accuracies(**{name: number for name, number in value.items() if "accuracy" in name})

    def _asked(self, masks: KeepMasks) -> dict[str, Any]:
        """Return what the outcome depends on; where an earlier version has measured both splits at once, as it did."""
        asked = {**self.depends_on, "masks": bare(masks)}
        before = {**asked, "measures": _BOTH_SPLITS}
        return before if self.stages.knows("measure", before) else {**asked, "measures": 4}

    def _made_of(self, masks: KeepMasks) -> Iterator[tuple[str, nn.Module]]:
        """Yield the slim networks that need no labels: as cut, with fresh statistics, and rebuilt."""
        slim = shrink(self.model, masks)
        yield "pruned", slim
        if any(isinstance(module, BATCH_NORMS) for module in slim.modules()):
            fresh = deepcopy(slim)
            recalibrate(fresh, masks.blank_pixels(self.rebuilt_on.images))
            yield "recalibrated", fresh
        rebuilt = deepcopy(slim)
        rebuild(self.model, rebuilt, masks, self.rebuilt_on.images, aims=self._aims)
        yield "rebuilt", rebuilt

    @cached_property
    def _aims(self) -> Aims:
        return Aims(self.model, self.rebuilt_on.images)

    @staticmethod
    def _accuracies(made: Slims, masks: KeepMasks, measure: str, split: Samples) -> dict[str, float | None]:
        found = {f"{measure}_{name}": accuracy(slim, split, view=masks.blank_pixels) for name, slim in made}
        return {f"{measure}_recalibrated": None, **found}

    def _cut_difference(self, slim: nn.Module, masks: KeepMasks) -> float:
        """Compare a slim network with the masked one, and refuse it if it differs by more than rounding."""
        images = self.shown(_COMPARE_ON)
        difference = cut_difference(self.model, slim, masks, images)
        check_exact(difference, images.device)
        return difference


def _named(masks: KeepMasks) -> str:
    return str(bare(masks))


def _threads_of(device: torch.device) -> int:
    return torch.get_num_threads() if device.type == "cpu" else 1
