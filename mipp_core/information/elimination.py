"""Which units a layer can do without: backward elimination, every candidate judged at every step by an exact refit.

The arithmetic is that of ``mipp_core.information.regressions``.  A grouped convolution is several regressions; a unit
that is read by several of them costs the sum of what it costs in each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.information.regressions import Problem, Table


@dataclass(frozen=True)
class Path:
    """Units in the order in which they were judged, and what every target has lost of its variance.

    Attributes:
        units: their numbers.
        before, after: lost before each of them goes, and after it.
        removed: how many of the first ones went; the others stayed, each judged with all others there.
    """

    units: tuple[int, ...]
    before: Float[Tensor, "steps t"]
    after: Float[Tensor, "steps t"]
    removed: int


class Race:
    """Several problems whose units are removed together."""

    def __init__(self, problems: Sequence[Problem], units: int, worth: Float[Tensor, " t"]) -> None:
        self._tables = [Table(problem, worth[problem.targets]) for problem in problems]
        self._lost = torch.zeros(len(worth), dtype=torch.double, device=worth.device)
        self._costs = torch.zeros(units, dtype=torch.double, device=worth.device)
        self._read_by: list[list[Table]] = [[] for _ in range(units)]
        for table in self._tables:
            self._costs.index_add_(0, table.units, table.costs)
            for unit in table.units.tolist():
                self._read_by[unit].append(table)

    def cheapest(self) -> int:
        """Return the unit that is there and costs least; of equal ones the first."""
        return int(self._costs.argmin())

    def left(self) -> list[int]:
        """Return the units that are there."""
        return [int(unit) for unit in self._costs.isfinite().nonzero()]

    def lost(self) -> Float[Tensor, " t"]:
        """Return what every target has lost of its variance so far."""
        return self._lost.clamp_min(0)

    def lost_without(self, unit: int) -> Float[Tensor, " t"]:
        """Return what every target will have lost if a unit goes next."""
        lost = self._lost.clone()
        for table in self._read_by[unit]:
            lost[table.targets] += table.gain(_place(table, unit))
        return lost.clamp_min(0)

    def remove(self, unit: int) -> None:
        """Take a unit out of all problems, and refit."""
        for table in self._read_by[unit]:
            before, lost = table.costs, table.lost
            stay = table.units != unit
            table.remove(_place(table, unit))
            self._lost[table.targets] += table.lost - lost
            self._costs.index_add_(0, table.units, table.costs - before[stay])
        self._costs[unit] = torch.inf


def _place(table: Table, unit: int) -> int:
    return int((table.units == unit).nonzero())


_Step = tuple[int, Float[Tensor, " t"], Float[Tensor, " t"]]

Enough = Callable[[Float[Tensor, " t"], Float[Tensor, " t"]], bool]
"""Is given what every target has lost before and after a removal, and says whether that is too much."""


def eliminated(problems: Sequence[Problem], units: int, worth: Float[Tensor, " t"], enough: Enough) -> Path:
    """Remove units one by one, always the one that costs least, until that is too much.

    Args:
        problems: that share the units.
        units: how many there are.
        worth: what a unit of each target's variance is worth.
        enough: says when to stop.
    """
    race, steps = Race(problems, units, worth), list[_Step]()
    while len(steps) < units:
        unit, before = race.cheapest(), race.lost()
        after = race.lost_without(unit)
        if enough(before, after):
            break
        steps.append((unit, before, after))
        race.remove(unit)
    return _path(race, steps, race.left())


def one_by_one(problems: Sequence[Problem], order: Sequence[int], worth: Float[Tensor, " t"], enough: Enough) -> Path:
    """Judge every unit once, in a given order; those whose removal is too much stay."""
    race = Race(problems, len(order), worth)
    steps, stayed = list[_Step](), list[int]()
    for unit in order:
        before, after = race.lost(), race.lost_without(unit)
        if enough(before, after):
            stayed.append(unit)
        else:
            steps.append((unit, before, after))
            race.remove(unit)
    return _path(race, steps, stayed)


def _path(race: Race, steps: list[_Step], stayed: list[int]) -> Path:
    now = race.lost()
    every = [*steps, *((unit, now, race.lost_without(unit)) for unit in stayed)]
    units, before, after = zip(*every, strict=True)
    return Path(units, torch.stack(before), torch.stack(after), len(steps))
