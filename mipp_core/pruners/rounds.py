"""Scores units again after every few removals."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Selection
from mipp_core.network.silencing import silenced
from mipp_core.pruners.contract import Ranker, Task
from mipp_core.pruners.settings import at_least, setting
from mipp_core.vocabulary import Progress


@dataclass(frozen=True)
class Rounds(Ranker):
    """A pruner that reaches a sparsity in rounds: score what is left, remove a little, score again.

    The share kept falls exponentially, to its target ** (k / rounds) after round k (SynFlow, arXiv 2006.05467,
    Algorithm 1; iterative SNIP, arXiv 2006.09081, 4.1).  Every sparsity has its own rounds, so masks of different
    sparsities need not be nested.

    Attributes:
        rounds: at least 1; 1 scores the whole network once.
    """

    rounds: int = setting(1, at_least(1))

    @property
    def scores_once(self) -> bool:
        """Only with a single round."""
        return self.rounds == 1

    @property
    def nested(self) -> bool:
        """Only where all sparsities share one scoring."""
        return self.rounds == 1

    def masks(self, task: Task, sparsities: tuple[float, ...], selection: Selection) -> list[KeepMasks]:
        """Go through the rounds once for every sparsity; with a single round, score once for all."""
        if self.rounds == 1:
            return super().masks(task, sparsities, selection)
        found = []
        for done, sparsity in enumerate(sparsities):
            task.report(Progress("Scoring units", done / len(sparsities)))
            found.append(self._reach(task, sparsity, selection))
        return found

    def _reach(self, task: Task, sparsity: float, selection: Selection) -> KeepMasks:
        masks: KeepMasks | None = None
        for number, target in enumerate(schedule(sparsity, self.rounds)):
            model = task.model if masks is None else silenced(task.model, masks)
            scores = self.scores(model, task.data, task.seed + number)
            masks = selection.keep(scores if masks is None else last(scores, masks), target)
        assert masks is not None
        return masks


def schedule(sparsity: float, rounds: int) -> Iterator[float]:
    """Yield the sparsity after each round; the last is exact."""
    for number in range(1, rounds):
        yield 1 - (1 - sparsity) ** (number / rounds)
    yield sparsity


def last(scores: dict[str, torch.Tensor], masks: KeepMasks) -> dict[str, torch.Tensor]:
    """Rank units that were removed before below all that were not."""
    return {name: values.masked_fill(~masks[name], -torch.inf) for name, values in scores.items()}
