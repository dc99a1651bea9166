"""Linear regressions that lose one group of columns after the other, each with an exact refit.

What a layer computes before its normalisation and nonlinearity is linear in what it reads: y = W'x + b.  So the best
that it could do without some units, after refitting its weights, is a linear regression, and nothing has to be trained.
The columns of x that belong to one unit are a group: the patch of a filter's map for a convolution, the positions of
its map for a linear layer behind a flatten, one number for a neuron.

Let S be the columns that are read, P the inverse of their covariance, B = P C the coefficients, C the covariance with
the targets.  Removing a group g costs, of target t's variance,

    gain_t = (B_g' P_gg^-1 B_g)_tt,

and afterwards B <- B - P_:g P_gg^-1 B_g and P <- P - P_:g P_gg^-1 P_g: (Schur complements).  In a residual stream a
unit does not leave its columns empty: the layer then reads what the stream holds without it.  So those columns come in
as the unit's own go out.  With R the coefficients by which S predicts the columns that would come in, and Q what is
left of their covariance, all is one symmetric table and its border of targets,

    T = [[-P, R], [R', Q]],    A = [[B], [what is left of the covariance of the columns with the targets]],

and to remove a unit, whose columns of both kinds are c, is one Schur complement, whichever way a column goes (the sweep
operator): gain_t = -(A_c' T_cc^-1 A_c)_tt, then T <- T - T_:c T_cc^-1 T_c:, A <- A - T_:c T_cc^-1 A_c, without c.

To choose the next unit, only the blocks T_cc of all units and the moments A_c W A_c' are needed (W: what each target is
worth); these are kept up to date.  The rest of T waits, and many removals are taken out of it in one product, since a
product is bound by arithmetic, an update of low rank by memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

RIDGE = 1e-6
"""Added to every column's variance, as a share of it: as if it were read with so much noise, whatever it says."""

_WAITING = 256  # columns whose removal from the table waits


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


class Table:
    """One problem's table, and which of its units are left.

    Args:
        problem: what is read, and what is computed from it.
        worth: what a unit of each target's variance is worth.

    Attributes:
        units: numbers of the units that are left.
        targets: numbers of the targets.
        lost: of each target's variance.
        costs: what the removal of each unit that is left would cost.
    """

    def __init__(self, problem: Problem, worth: Float[Tensor, " t"]) -> None:
        read, outside = len(problem.weights), len(problem.covariance) - len(problem.weights)
        self.units, self.targets, self._worth = problem.units, problem.targets, worth.double()
        self._own = problem.columns.shape[1]
        self._columns, self._there = problem.columns.clamp_min(0), problem.columns >= 0
        if outside:
            left = read + torch.arange(outside, device=self._columns.device).view(len(self._columns), -1)
            self._columns = torch.cat([self._columns, left], 1)
            self._there = torch.cat([self._there, torch.ones_like(left, dtype=torch.bool)], 1)
        self._table, self._aims, self.lost = _start(problem)
        self._alive = torch.ones(len(self._table), dtype=torch.bool, device=self._table.device)
        self._out: list[tuple[Tensor, Tensor]] = []
        both = self._there[:, :, None] & self._there[:, None, :]
        blocks = self._table[self._columns[:, :, None], self._columns[:, None, :]]
        self._blocks = blocks * both - torch.diag_embed((~self._there).double())
        self._moments = both * ((self._near() * self._worth) @ self._near().mT)
        self.costs = self._judged()

    def gain(self, place: int) -> Float[Tensor, " t"]:
        """Return by how much of every target's variance more would be lost without the unit at a place."""
        near = (self._aims[self._columns[place]] * self._there[place][:, None])[None]
        own, left = near[:, : self._own], near[:, self._own :]
        inverse, across, rest = self._parts(self._blocks[place][None])
        if not left.shape[1]:
            return (own * _solved(inverse, own)).sum((0, 1))
        told = _solved(rest, left)
        own = own - across @ told
        return ((own * _solved(inverse + across @ _solved(rest, across.mT), own)).sum(1) - (left * told).sum(1))[0]

    def remove(self, place: int) -> None:
        """Take a unit out, by its place among those that are left, and refit."""
        columns = self._columns[place][self._there[place]]
        across, aims = self._now(columns), self._aims[columns]
        by = across @ torch.linalg.inv(across[columns])
        told = torch.linalg.solve(across[columns], aims)
        self.lost = self.lost - (aims * told).sum(0)
        others = torch.arange(len(self.units), device=columns.device) != place
        self.units, self._columns, self._there = self.units[others], self._columns[others], self._there[others]
        steps, mine = by[self._columns] * self._there[..., None], across[self._columns] * self._there[..., None]
        self._blocks = self._blocks[others] - steps @ mine.mT
        self._moments = self._moments[others] + self._moved(mine, told)
        self._aims.addmm_(across, told, alpha=-1)
        self._alive[columns] = False
        self._out.append((by, across))
        if sum(each.shape[1] for each, _ in self._out) > _WAITING:
            self._catch_up()
        self.costs = self._judged()

    def _moved(self, across: Float[Tensor, "u k c"], told: Float[Tensor, "c t"]) -> Float[Tensor, "u k k"]:
        """Return by what the moments change as aims A become A - across @ told."""
        worthy = told * self._worth
        mixed = (self._aims @ worthy.mT)[self._columns] * self._there[..., None]
        crossed = mixed @ across.mT
        return across @ (told @ worthy.mT) @ across.mT - crossed - crossed.mT

    def _now(self, columns: Int[Tensor, " c"]) -> Float[Tensor, "s c"]:
        """Return columns of the table with everything that is out taken into account."""
        found = self._table[:, columns]
        for by, across in self._out:
            found.addmm_(by, across[columns].mT, alpha=-1)
        return found

    def _catch_up(self) -> None:
        """Take out of the table what is out, and forget its columns."""
        index, moved = self._alive.nonzero().flatten(), self._alive.cumsum(0) - 1
        by, across = (torch.cat(each, 1)[index] for each in zip(*self._out, strict=True))
        self._table = self._table[index][:, index].addmm_(by, across.mT, alpha=-1)
        self._aims, self._columns = self._aims[index], moved[self._columns].clamp_min(0)
        self._alive, self._out = self._alive[index], []

    def _near(self) -> Float[Tensor, "u k t"]:
        return self._aims[self._columns] * self._there[..., None]

    def _parts(self, blocks: Float[Tensor, "u k k"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return P, R and Q of units."""
        own = self._own
        return -blocks[:, :own, :own], blocks[:, :own, own:], blocks[:, own:, own:]

    def _judged(self) -> Float[Tensor, " u"]:
        """Return the worth of what every unit's removal would cost, from blocks and moments."""
        own, moments = self._own, self._moments
        inverse, across, rest = self._parts(self._blocks)
        if not rest.shape[1]:
            return _traces(inverse, moments)
        by = _solved(rest, across.mT).mT
        crossed = by @ moments[:, own:, :own]
        near = moments[:, :own, :own] - crossed - crossed.mT + by @ moments[:, own:, own:] @ by.mT
        return _traces(inverse + by @ across.mT, near) - _traces(rest, moments[:, own:, own:])


def _start(problem: Problem) -> tuple[Tensor, Tensor, Tensor]:
    """Return the table with all units there, its border of targets, and what each target has lost by the ridge."""
    read = len(problem.weights)
    plain, weights = problem.covariance.double(), problem.weights.double()
    aims = plain[:, :read] @ weights
    start = (weights * aims[:read]).sum(0)
    spread = plain.diagonal()
    ridge = torch.where(spread > 0, problem.noise * spread, 1.0)
    covariance = plain + torch.diag(ridge)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(covariance[:read, :read]))
    near = inverse @ aims[:read]
    lost = start - (aims[:read] * near).sum(0)
    if not problem.in_stream:
        return -inverse, near, lost
    told = inverse @ covariance[:read, read:]
    rest = covariance[read:, read:] - covariance[read:, :read] @ told
    table = torch.cat([torch.cat([-inverse, told], 1), torch.cat([told.mT, rest], 1)])
    return table, torch.cat([near, aims[read:] - covariance[read:, :read] @ near]), lost


def _solved(matrices: Float[Tensor, "u k k"], values: Float[Tensor, "u k t"]) -> Float[Tensor, "u k t"]:
    if matrices.shape[1] == 1:
        return values / matrices
    factors, failed = torch.linalg.cholesky_ex(matrices)
    if bool(
        failed.any()
    ):  # fewer rows than columns: nothing but the ridge is left of some blocks, and rounding of that
        return torch.linalg.pinv(matrices, hermitian=True) @ values
    return torch.cholesky_solve(values, factors)


def _traces(matrices: Float[Tensor, "u k k"], values: Float[Tensor, "u k k"]) -> Float[Tensor, " u"]:
    return _solved(matrices, values).diagonal(dim1=1, dim2=2).sum(1)


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


def refitted(problem: Problem, units: Sequence[int]) -> Float[Tensor, "p t"]:
    """Return the weights that compute the targets best without the columns of all but some units, which get 0.

    The same ridge regression as a table's, by itself: what is left of it when the other units are gone.  For layers
    that are in no stream.

    Args:
        problem: what is read, and what is computed from it.
        units: those that are left, by their numbers.
    """
    covariance, weights = problem.covariance.double(), problem.weights.double()
    left = torch.isin(problem.units, torch.tensor(units, dtype=problem.units.dtype, device=problem.units.device))
    there, gone = torch.ones_like(covariance[0], dtype=torch.bool), problem.columns[~left]
    there[gone[gone >= 0]] = False
    columns = there.nonzero().flatten()
    own, spread = covariance[columns][:, columns], covariance.diagonal()[columns]
    own = own + torch.diag(torch.where(spread > 0, problem.noise * spread, 1.0))
    found = torch.zeros_like(weights)
    found[columns] = torch.cholesky_solve(covariance[columns] @ weights, torch.linalg.cholesky(own))
    return found
