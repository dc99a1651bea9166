"""Ranking pruners at a target: the keep-masks that leave a network nearest to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise

import torch

from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Selection
from mipp_core.cutting.targets import Target, emptied, keep_at, nearest, one_unit, require_reachable
from mipp_core.network.silencing import silenced
from mipp_core.pruners.contract import Ranker, Scores, Task
from mipp_core.pruners.rounds import last
from mipp_core.vocabulary import COUNTED

RERUNS = 6
"""How often a pruner that scores anew at every sparsity is asked at most for one target."""

_NEAR = 0.01
"""The share of the whole network that may be left to remove in one more scoring."""


@dataclass(frozen=True)
class Reached:
    """What a target led to.

    Attributes:
        masks: the keep-masks.
        note: a sentence where the target was missed by more than one unit's worth; otherwise empty.
    """

    masks: KeepMasks
    note: str = ""


def reach(
    pruner: Ranker,
    task: Task,
    targets: Sequence[Target],
    selection: Selection,
    counter: Counter,
    scores: Scores | None = None,
) -> list[Reached]:
    """Ask a ranking pruner for the keep-masks that come nearest to targets.

    A share of the units is what a pruner is asked for anyway, rounded layer by layer with scope ``layer``.  For a share
    of parameters or MACs units go one by one in the order of their scores.  A pruner that scores anew at every sparsity
    is asked at several sparsities, with the same seed, ``RERUNS`` times at most; then it scores once more, and the last
    units go one by one.  One that trains the network between its rounds does without that.

    Args:
        pruner: that is asked.
        task: the network and what the pruner may look at.
        targets: each in units, parameters or MACs.
        selection: how scores become keep-masks.
        counter: of the network.
        scores: of a pruner that scores once, if they are known already.

    Raises:
        SettingError: a target cannot be reached.
    """
    if all(target.of == "units" for target in targets):
        shares = tuple(target.share for target in targets)
        if scores is None:
            found = pruner.masks(task, shares, selection)
        else:
            found = [selection.keep(scores, share) for share in shares]
    elif pruner.scores_once:
        scores = pruner.scored(task) if scores is None else scores
        return [Reached(keep_at(target, scores, selection, counter)) for target in targets]
    else:
        found = [_Search(pruner, task, target, selection, counter).masks() for target in targets]
    return [
        Reached(masks, _missed(pruner, target, masks, selection, counter))
        for masks, target in zip(found, targets, strict=True)
    ]


def _missed(pruner: Ranker, target: Target, masks: KeepMasks, selection: Selection, counter: Counter) -> str:
    """Say by how much a target was missed, if by more than one unit's worth, or half a unit per layer."""
    off = abs(counter.left(masks, target.of) - target.left(counter))
    if off <= (len(masks) / 2 if target.of == "units" else one_unit(target.of, masks, counter)):
        return ""
    if selection.scope == "layer":
        kept = f", and {selection.floor} units stay in each" if selection.floor else ""
        why = f"every layer loses the same share, in whole units{kept}"
    else:
        why = f"it was asked {RERUNS} times"
    reached = f"{counter.removed(masks)[target.of]:.2%} of the {COUNTED[target.of]} removed"
    return f"{type(pruner).__name__} came to {reached}, not {target.share:.2%}: {why}."


@dataclass
class _Search:
    """The search for one target, with a pruner that scores anew at every sparsity."""

    pruner: Ranker
    task: Task
    target: Target
    selection: Selection
    counter: Counter
    seen: dict[int, KeepMasks] = field(default_factory=dict)

    def masks(self) -> KeepMasks:
        """Return keep-masks that leave the network nearest to the target."""
        floor = self.selection.floor
        require_reachable(self.target, emptied(floor, self.counter), floor, self.counter)
        low, high = 0, len(self._steps) - 1
        left = {low: self._foreseen(low), high: self._foreseen(high)}
        guess, before = nearest(self._foreseen, high, self._wanted), high
        for _ in range(RERUNS):
            left |= {step: self._left(step) for step in self._ask(guess, low, high)}
            low = max(step for step in left if left[step] >= self._wanted or step == 0)
            high = min((step for step in left if step > low), default=low)
            if high - low <= 1 or self._is_near(low):
                break
            is_slow, before = high - low > before / 2, high - low
            guess = (low + high) // 2 if is_slow else _between(low, left[low], high, left[high], self._wanted)
        if "training" not in self.pruner.needs:
            return self._finished(self.seen.get(low) or emptied(max(self._widths), self.counter))
        return self.seen[min(self.seen, key=lambda step: (abs(self._left(step) - self._wanted), step))]

    def _finished(self, masks: KeepMasks) -> KeepMasks:
        """Score what is left once more, and remove the last units one by one."""
        model = silenced(self.task.model, masks)
        scores = last(self.pruner.scores(model, self.task.data, self.task.seed), masks)
        gone, most = sum(self._widths) - sum(masks.kept.values()), self.selection.most(masks.units)
        require_reachable(self.target, self.selection.remove(scores, most), self.selection.floor, self.counter)
        left = cache(lambda more: self.counter.left(self.selection.remove(scores, gone + more), self.target.of))
        return self.selection.remove(scores, gone + nearest(left, most - gone, self._wanted))

    @property
    def _wanted(self) -> float:
        return self.target.left(self.counter)

    @property
    def _widths(self) -> list[int]:
        return [layer.units for layer in self.counter.wiring.layers]

    @cached_property
    def _steps(self) -> list[float]:
        """Sparsities, ascending: one for every number of units, or for every set of counts with scope ``layer``."""
        if self.selection.scope == "global":
            units = sum(self._widths)
            most = sum(max(0, width - self.selection.floor) for width in self._widths)
            return [count / units for count in range(most + 1)]
        edges = sorted({(count + 0.5) / width for width in self._widths for count in range(width)})
        return [0.0, *(sum(pair) / 2 for pair in pairwise(edges)), 1.0]

    def _ask(self, guess: int, low: int, high: int) -> list[int]:
        """Run the pruner at a step; where more sparsities cost nothing more, at those around it too."""
        steps = {guess}
        if self.pruner.nested and self.selection.scope == "global":
            beside = [sign * 2**power for power in range((high - low).bit_length() - 2) for sign in (-1, 1)]
            steps |= {guess + far for far in beside if low <= guess + far <= high}
        wanted = sorted(steps - self.seen.keys())
        found = self.pruner.masks(self.task, tuple(self._steps[step] for step in wanted), self.selection)
        self.seen |= dict(zip(wanted, found, strict=True))
        return wanted

    def _left(self, step: int) -> int:
        return self.counter.left(self.seen[step], self.target.of)

    def _foreseen(self, step: int) -> int:
        """Return what would be left if every layer's first units stayed: exact where counts alone decide."""
        scores = {
            layer.name: 1 - torch.arange(layer.units, dtype=torch.float64) / layer.units
            for layer in self.counter.wiring.layers
        }
        return self.counter.left(self.selection.keep(scores, self._steps[step]), self.target.of)

    def _is_near(self, step: int) -> bool:
        """Tell whether what is left at a step is hardly more than wanted."""
        few: float = _NEAR * getattr(self.counter.dense, self.target.of)
        return step in self.seen and self._left(step) - self._wanted <= few


def _between(low: int, most: int, high: int, least: int, wanted: float) -> int:
    """Return the step between two others at which a straight line is nearest to what is wanted."""
    along = 0.5 if most == least else (most - wanted) / (most - least)
    return min(high - 1, max(low + 1, round(low + along * (high - low))))
