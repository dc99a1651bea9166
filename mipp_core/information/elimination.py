"""Which units a linear layer can do without: backward elimination with an exact refit at every step.

What a layer computes before its normalisation and nonlinearity is linear in what it reads: y = W'x + b.  So the best
that it could do without some units, after refitting its weights, is a linear regression, and nothing has to be trained.
The columns of x that belong to one unit are a group: the patch of a filter's map for a convolution, the positions of
its map for a linear layer behind a flatten, one number for a neuron.

Let S be the columns that are read, P the inverse of their covariance, B = P C the coefficients, C the covariance with
the targets.  Removing a group g costs, of target t's variance,

    gain_t = (B_g' P_gg^-1 B_g)_tt,

and afterwards B <- B - P_:g P_gg^-1 B_g and P <- P - P_:g P_gg^-1 P_g: (Schur complements).  All candidates are judged
so at every step.  In a residual stream a unit does not leave its columns empty: the layer then reads what the stream
holds without it.  So those columns come in as the unit's own go out; the two are exchanged at once.

All is kept in one symmetric table with the columns that are read and those that would come in, by the sweep operator:
the block of what is read is -P, that of the others their residual covariance, and between them are coefficients.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

RIDGE = 1e-6
"""Added to every column's variance, as a share of it: as if it were read with so much noise, whatever it says."""


@dataclass(frozen=True)
class Problem:
    """A layer, or one group of a grouped convolution, and what it reads.

    Attributes:
        covariance: of the columns it reads, p of them, and then of those that come in when units go, in the order of
            ``columns``; none unless the units are added into a stream.
        weights: with which it computes its targets from the first p columns.
        units: numbers of the units among all that are to be judged.
        columns: of each unit, k of them, among the first p; -1 fills up where a unit has fewer.
        targets: numbers of its targets among all.
        noise: a ridge, as a share of every column's variance.
    """

    covariance: Float[Tensor, "s s"]
    weights: Float[Tensor, "p t"]
    units: Int[Tensor, " u"]
    columns: Int[Tensor, "u k"]
    targets: Int[Tensor, " t"]
    noise: float = RIDGE

    @property
    def in_stream(self) -> bool:
        """Whether other columns come in when units go."""
        return len(self.covariance) > len(self.weights)


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


class Table:
    """One problem's sweep table, and which of its units are left."""

    def __init__(self, problem: Problem) -> None:
        read, outside = len(problem.weights), len(problem.covariance) - len(problem.weights)
        plain = problem.covariance.double()
        spread = plain.diagonal()
        ridge = torch.where(spread > 0, problem.noise * spread, 1.0)
        covariance = plain + torch.diag(ridge)
        aims = plain[:, :read] @ problem.weights.double()
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(covariance[:read, :read]))
        told = inverse @ covariance[:read, read:]
        rest = covariance[read:, read:] - covariance[read:, :read] @ told
        self._table = torch.cat([torch.cat([-inverse, told], 1), torch.cat([told.mT, rest], 1)])
        near = inverse @ aims[:read]
        self._aims = torch.cat([near, aims[read:] - covariance[read:, :read] @ near])
        start = (problem.weights.double() * aims[:read]).sum(0)
        self.lost = start - (aims[:read] * near).sum(0)
        self.units, self.targets = problem.units, problem.targets
        self._there = problem.columns >= 0
        self._own = problem.columns.clamp_min(0)
        self._left = read + torch.arange(outside, device=self._own.device).view(len(self._own), -1)
        self._in_stream = problem.in_stream

    def gains(self) -> Float[Tensor, "u t"]:
        """Return by how much of every target's variance more would be lost without each unit."""
        own, there = self._own, self._there
        inverse, near = -self._blocks(own, own), self._aims[own] * there[..., None]
        inverse = inverse * (there[:, :, None] & there[:, None, :]) + torch.diag_embed((~there).double())
        if not self._in_stream:
            return (near * _solved(inverse, near)).sum(1)
        rest = self._blocks(self._left, self._left)
        between, outside = self._blocks(own, self._left), self._aims[self._left]
        both = _solved(rest, torch.cat([outside, between.mT], 2))
        told, across = both[..., : outside.shape[2]], both[..., outside.shape[2] :]
        near = near - between @ told
        return (near * _solved(inverse + between @ across, near)).sum(1) - (outside * told).sum(1)

    def remove(self, place: int) -> None:
        """Take a unit out, by its place among those that are left, and refit."""
        own = self._own[place][self._there[place]]
        if self._in_stream:
            self._sweep(self._left[place], 1.0)
        self._sweep(own, -1.0)
        self._drop(own, place)

    def _sweep(self, columns: Tensor, sign: float) -> None:
        """Take columns into what is read (1), or out of it (-1)."""
        across, aims = self._table[:, columns], self._aims[columns]
        pivot = torch.linalg.inv(across[columns])
        by, told = across @ pivot, pivot @ aims
        self._table -= by @ across.mT
        self._aims -= across @ told
        self.lost = self.lost - (aims * told).sum(0)
        self._table[:, columns] = sign * by
        self._table[columns] = sign * by.mT
        self._table[columns[:, None], columns] = -pivot
        self._aims[columns] = sign * told

    def _drop(self, columns: Tensor, place: int) -> None:
        """Forget columns that are out for good, and the unit they belonged to."""
        stay = torch.ones(len(self._table), dtype=torch.bool, device=columns.device)
        stay[columns] = False
        moved = stay.cumsum(0) - 1
        index = stay.nonzero().flatten()
        self._table, self._aims = self._table[index][:, index], self._aims[index]
        others = torch.arange(len(self._own), device=columns.device) != place
        self._own, self._there = moved[self._own[others]], self._there[others]
        self._left, self.units = moved[self._left[others]], self.units[others]

    def _blocks(self, rows: Tensor, columns: Tensor) -> Float[Tensor, "u k j"]:
        return self._table[rows[:, :, None], columns[:, None, :]]


def _solved(matrices: Float[Tensor, "u k k"], values: Float[Tensor, "u k t"]) -> Float[Tensor, "u k t"]:
    if matrices.shape[1] == 1:
        return values / matrices
    factors, failed = torch.linalg.cholesky_ex(matrices)
    if bool(
        failed.any()
    ):  # fewer rows than columns: nothing but the ridge is left of some blocks, and rounding of that
        return torch.linalg.pinv(matrices, hermitian=True) @ values
    return torch.cholesky_solve(values, factors)


class Race:
    """Several problems whose units are removed together: a unit's cost is the sum of what it costs in each."""

    def __init__(self, problems: Sequence[Problem], units: int, weights: Float[Tensor, " t"]) -> None:
        self._tables, self._weights = [Table(problem) for problem in problems], weights.double()
        self._zeros = torch.zeros(len(weights), dtype=torch.double, device=weights.device)
        self._gains = [table.gains() for table in self._tables]
        self._start = self._lost()
        self.left = torch.ones(units, dtype=torch.bool, device=weights.device)

    def cheapest(self) -> int:
        """Return the unit that is there and costs least; of equal ones the first."""
        costs = torch.zeros(len(self.left), dtype=torch.double, device=self.left.device)
        for table, gains in zip(self._tables, self._gains, strict=True):
            costs.index_add_(0, table.units, gains @ self._weights[table.targets])
        return int(costs.masked_fill(~self.left, torch.inf).argmin())

    def lost(self) -> Float[Tensor, " t"]:
        """Return what every target has lost of its variance so far."""
        return (self._lost() - self._start).clamp_min(0)

    def lost_without(self, unit: int) -> Float[Tensor, " t"]:
        """Return what every target will have lost if a unit goes next."""
        lost = self._lost() - self._start
        for table, gains in zip(self._tables, self._gains, strict=True):
            here = (table.units == unit).to(gains.dtype)
            lost[table.targets] += here @ gains
        return lost.clamp_min(0)

    def remove(self, unit: int) -> None:
        """Take a unit out of all problems, and refit."""
        self.left[unit] = False
        for row, table in enumerate(self._tables):
            place = (table.units == unit).nonzero().flatten()
            if len(place):
                table.remove(int(place))
                self._gains[row] = table.gains()

    def _lost(self) -> Tensor:
        found = self._zeros.clone()
        for table in self._tables:
            found[table.targets] += table.lost
        return found


_Step = tuple[int, Float[Tensor, " t"], Float[Tensor, " t"]]

Enough = Callable[[Float[Tensor, " t"], Float[Tensor, " t"]], bool]
"""Is given what every target has lost before and after a removal, and says whether that is too much."""


def eliminated(problems: Sequence[Problem], units: int, weights: Float[Tensor, " t"], enough: Enough) -> Path:
    """Remove units one by one, always the one that costs least, until that is too much.

    Args:
        problems: that share the units.
        units: how many there are.
        weights: what each target's variance is worth.
        enough: says when to stop.
    """
    race, steps = Race(problems, units, weights), list[_Step]()
    while len(steps) < units:
        unit, before = race.cheapest(), race.lost()
        after = race.lost_without(unit)
        if enough(before, after):
            break
        steps.append((unit, before, after))
        race.remove(unit)
    return _path(race, steps, [int(unit) for unit in race.left.nonzero()])


def one_by_one(problems: Sequence[Problem], order: Sequence[int], weights: Float[Tensor, " t"], enough: Enough) -> Path:
    """Judge every unit once, in a given order; those whose removal is too much stay."""
    race = Race(problems, len(order), weights)
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


def alone(problem: Problem) -> Float[Tensor, "u t"]:
    """Return how much of every target's variance each unit explains by itself."""
    covariance = problem.covariance.double()
    aims = covariance[:, : len(problem.weights)] @ problem.weights.double()
    there, own = problem.columns >= 0, problem.columns.clamp_min(0)
    blocks = covariance[own[:, :, None], own[:, None, :]] * (there[:, :, None] & there[:, None, :])
    spread = blocks.diagonal(dim1=1, dim2=2)
    blocks = blocks + torch.diag_embed(torch.where(spread > 0, problem.noise * spread, 1.0))
    told = aims[own] * there[..., None]
    return (told * _solved(blocks, told)).sum(1)
