"""IMP: iterative magnitude pruning with rewinding (Frankle and Carbin, arXiv 1803.03635)."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import ClassVar

import torch

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Scope, Selection
from mipp_core.network.gates import gated
from mipp_core.network.recording import followed
from mipp_core.pruners.contract import Need, Task, Variant
from mipp_core.pruners.magnitude import Magnitude
from mipp_core.pruners.rounds import last
from mipp_core.pruners.settings import setting, share
from mipp_core.vocabulary import Progress, Report


@dataclass(frozen=True)
class Imp(Magnitude):
    """Train, remove the smallest units, rewind the rest to their initial weights, and repeat.

    Idea: the lottery ticket hypothesis: a small part of a network, started from its own initial weights, trains as
    well as the whole.  To find it, a fifth of the remaining units is removed after each training.
    Formula: after round k a share of (1 - rate)^k of the units is left, those with the largest norms of trained
    weights; a sparsity between two rounds is reached from the earlier one, so all sparsities share the same trainings
    and their masks are nested.
    Needs: the network at initialisation, and a full training per round.  Cost: these trainings.

    Departures: the paper prunes weights, and the last layer at half the rate; here units are removed by the norm of
    their incoming weights, and the last layer's are kept.  As in the paper's LeNet every layer loses the same share of
    its units, unless the scope is ``global``, as in its deeper networks.  The pruned network is retrained from the
    initial weights.

    Example:
        >>> prune(model, images, labels, pruner="imp", sparsity=0.5, train=train).masks.sparsity
        0.5

    Attributes:
        norm: of a unit's incoming weights.
        rate: share of the remaining units that is removed in each round, in (0, 1); 0.2 in the paper.

    Raises:
        SettingError: a setting is out of its range.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"IMP": Variant(usual=True)}
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "labels", "gradients", "training"})
    once_usual: ClassVar[Scope | None] = None
    rewinds: ClassVar[bool] = True

    rate: float = setting(0.2, share())

    def masks(self, task: Task, sparsities: tuple[float, ...], selection: Selection) -> list[KeepMasks]:
        """Train, remove and rewind until the highest sparsity is reached; ``task.model`` is at initialisation."""
        found: dict[float, KeepMasks] = {}
        wanted = sorted(set(sparsities))
        rounds = list(self.rounds_to(wanted[-1]))
        masks: KeepMasks | None = None
        for number, reached in enumerate(rounds):
            scores = self._trained_scores(task, masks, _within(task.report, number, len(rounds)))
            for sparsity in [s for s in wanted if s not in found and s <= reached]:
                found[sparsity] = selection.keep(scores, sparsity)
            masks = selection.keep(scores, min(reached, wanted[-1]))
        return [found[sparsity] for sparsity in sparsities]

    def rounds_to(self, sparsity: float) -> list[float]:
        """Return the sparsity after each round, until it is at least ``sparsity``; only the last round can reach 1."""
        reached, left = [0.0], 1.0
        while len(reached) == 1 or (reached[-1] < sparsity and left > 1e-6):
            left *= 1 - self.rate
            reached.append(round(1 - left, 12))  # exactly 0.2, as slightly less would cost one more training for 0.2
        return [*reached[1:-1], max(reached[-1], sparsity)]

    def _trained_scores(self, task: Task, masks: KeepMasks | None, report: Report) -> dict[str, torch.Tensor]:
        """Rewind, train what is left, and score it; units removed before rank below all others."""
        model = deepcopy(followed(task.model))
        gates = {} if masks is None else {name: mask.to(task.data.images) for name, mask in masks.items()}
        task.train(gated(model.eval(), gates) if gates else model, report)
        scores = self.scores(model, task.data, task.seed)
        return scores if masks is None else last(scores, masks)


def _within(report: Report, number: int, rounds: int) -> Report:
    words = f"Training round {number + 1} of {rounds}"
    return lambda progress: report(Progress(words, (number + progress.done) / rounds))
