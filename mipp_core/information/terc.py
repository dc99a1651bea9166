"""TERC with MI ordering: which units of a layer still transfer information to the next (MIPP paper, Algorithm 2).

Units are tested one after another, the least informative first, against the set retained so far: a unit is removed
when the next layer can be rebuilt without it.  (The paper's Algorithm 2 says "sort desc", but its text says twice that
the most informative unit is tested last; we follow the text.)

The confidence level sets how sure one must be to keep a unit.  A test gives one statistic, the gain in standard
errors; the unit is kept at every level whose normal quantile is below it.  So all levels are swept at once: levels
that agree share one branch, and a branch splits in two only where a test divides its levels.  Branches are tested
together in one batch.

Testing units in blocks saves time and changes nothing in principle.  Information is monotone: if a whole block can
be removed without loss, so could each of its units in turn.  A block that cannot be removed is halved, down to a
single unit.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

State = TypeVar("State")


@dataclass(frozen=True)
class Gain:
    """What removing the tested units costs.

    Attributes:
        estimates: loss without them minus the reference loss, one per estimate, in units of the loss.
        standard_error: of their mean.
        statistic: mean gain, less the budget, in standard errors; infinite when the error is 0 and the gain is not.
    """

    estimates: tuple[float, ...]
    standard_error: float
    statistic: float


@dataclass(frozen=True)
class Decision:
    """What was decided about one unit at consecutive levels.

    Attributes:
        layer: the layer's name.
        unit: the unit's index in the dense layer.
        order: its place in the order of testing, from 0.
        first_level, last_level: the levels that shared this test, both included.
        removed_from: the unit is removed at levels ``removed_from..last_level`` and kept at those before; it is
            ``last_level + 1`` if the unit is kept at all of them.
        tested_with: number of units in the tested block; 1 means the unit alone.
        gain: the test's outcome; None for a unit removed without a test (see ``uninformative``).
    """

    layer: str
    unit: int
    order: int
    first_level: int
    last_level: int
    removed_from: int
    tested_with: int
    gain: Gain | None


def staying_power(decisions: Sequence[Decision], units: int) -> Float[Tensor, " units"]:
    """Score a layer's units by how long they stay: the number of levels that keep them, then the statistic.

    Of units removed at the same level, the one with the lower statistic goes first; so the scores also order units
    between two levels, and those that every level keeps.

    Args:
        decisions: of one layer, at all levels.
        units: the layer's width.
    """
    kept, margin = torch.zeros(units), torch.zeros(units)
    for decision in decisions:
        kept[decision.unit] += decision.removed_from - decision.first_level
    last = max(decision.last_level for decision in decisions)
    for decision in decisions:
        decisive = min(int(kept[decision.unit]), last)
        if decision.gain is not None and decision.first_level <= decisive <= decision.last_level:
            margin[decision.unit] = 0.5 + math.atan(decision.gain.statistic) / math.pi
    return kept + margin


@dataclass(frozen=True)
class Branch(Generic[State]):
    """Levels that have agreed so far.

    Attributes:
        levels: consecutive levels.
        keep: 1 for the units still retained.
        order: the units in the order of testing.
        state: what the estimator carries along for this branch.
        position: the next place in ``order``.
        block: how many units to test together next.
    """

    levels: range
    keep: Float[Tensor, " c"]
    order: tuple[int, ...]
    state: State
    position: int = 0
    block: int = 1

    @property
    def candidates(self) -> tuple[int, ...]:
        """The units to test next."""
        return self.order[self.position : self.position + self.block]

    @property
    def without(self) -> Float[Tensor, " c"]:
        """The keep-mask without the candidates."""
        mask = self.keep.clone()
        mask[list(self.candidates)] = 0
        return mask


@runtime_checkable
class Estimator(Protocol[State]):
    """Estimates what removing each branch's candidates costs."""

    def test(self, branches: Sequence[Branch[State]]) -> Sequence[tuple[Gain, State]]:
        """Return for each branch the gain of its candidates, and the state to continue with if they are removed."""
        ...


def terc(
    layer: str,
    branches: Sequence[Branch[State]],
    estimator: Estimator[State],
    thresholds: Float[Tensor, " levels"],
    longest_block: int = 1,
) -> Iterator[list[Decision]]:
    """Run TERC over one layer for all levels; yield the decisions of each round of tests.

    Args:
        layer: its name, for the decisions.
        branches: where the levels start; more than one if the next layer's masks differ between levels.
        estimator: performs the tests.
        thresholds: z_x of every level, ascending: the unit is kept at level n iff the statistic exceeds threshold n.
        longest_block: most units tested together; 1 is the paper's procedure.
    """
    active = [branch for branch in branches if branch.position < len(branch.order)]
    while active:
        decisions: list[Decision] = []
        following: list[Branch[State]] = []
        for branch, (gain, state) in zip(active, estimator.test(active), strict=True):
            split = _first_removing(branch.levels, gain.statistic, thresholds)
            decisions += _record(layer, branch, split, gain)
            following += _part(branch, split, state, longest_block)
        active = [branch for branch in following if branch.position < len(branch.order)]
        yield decisions


def _first_removing(levels: range, statistic: float, thresholds: Tensor) -> int:
    """Return the first level at which the candidates are removed; the stop of ``levels`` if there is none."""
    return next((level for level in levels if not statistic > thresholds[level].item()), levels.stop)


def _part(branch: Branch[State], split: int, state: State, longest_block: int) -> Iterator[Branch[State]]:
    """Split a branch into its levels below ``split``, which keep the candidates, and the rest, which remove them."""
    size = len(branch.candidates)
    if split > branch.levels.start:
        keeping = range(branch.levels.start, split)
        # If the whole block cannot be removed, nothing is decided yet: half of it is tried next.
        ahead, block = (1, 1) if size == 1 else (0, size // 2)
        yield replace(branch, levels=keeping, position=branch.position + ahead, block=block)
    if split < branch.levels.stop:
        yield replace(
            branch,
            levels=range(split, branch.levels.stop),
            keep=branch.without,
            state=state,
            position=branch.position + size,
            block=min(2 * size, longest_block),
        )


def _record(layer: str, branch: Branch[State], split: int, gain: Gain) -> list[Decision]:
    """Record what a test decided: everything for a single unit, only removals for a block."""
    size = len(branch.candidates)
    settled = branch.levels if size == 1 else range(split, branch.levels.stop)
    if not settled:
        return []
    return [
        Decision(layer, unit, branch.position + place, settled.start, settled.stop - 1, split, size, gain)
        for place, unit in enumerate(branch.candidates)
    ]


def uninformative(layer: str, units: Sequence[int], levels: range) -> list[Decision]:
    """Record the removal, without a test, of units that cannot transfer information.

    These are units that never vary, and all units whose next layer has no unit left to rebuild.
    """
    first, last = levels.start, levels.stop - 1
    return [Decision(layer, unit, place, first, last, first, 1, None) for place, unit in enumerate(units)]


def keep_masks(decisions: Sequence[Decision], units: int, levels: int) -> Bool[Tensor, "levels units"]:
    """Gather one layer's decisions into a keep-mask per level."""
    keep = torch.ones(levels, units, dtype=torch.bool)
    for decision in decisions:
        keep[decision.removed_from : decision.last_level + 1, decision.unit] = False
    return keep


def equal_runs(rows: Tensor) -> list[range]:
    """Group consecutive levels whose rows are equal."""
    starts = [0, *(level for level in range(1, len(rows)) if not torch.equal(rows[level], rows[level - 1]))]
    return [range(start, stop) for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True)]
