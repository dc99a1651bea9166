"""Backward elimination against a slow twin that refits every candidate by least squares."""

import pytest
import torch
from torch import Tensor

from mipp_core.information.elimination import Path, eliminated, one_by_one
from mipp_core.information.regressions import RIDGE, Problem, alone


def never(before: Tensor, after: Tensor) -> bool:
    return False


ROWS, UNITS, SPAN, TARGETS = 300, 6, 3, 5


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Case:
    """Columns, what comes in when units go, and targets that are linear in the columns."""

    def __init__(self, seed: int, stream: bool) -> None:
        self.read = UNITS * SPAN + 2
        columns = self.read + (UNITS * SPAN if stream else 0)
        table = normal(ROWS, columns, seed=seed) @ normal(columns, columns, seed=seed + 1)
        if stream:
            table[:, self.read :] = 0.3 * table[:, self.read :] + 0.6 * table[:, : UNITS * SPAN]
        self.table = table - table.mean(0)
        self.weights = normal(self.read, TARGETS, seed=seed + 2)
        self.worth = torch.rand(TARGETS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        self.own = torch.arange(UNITS * SPAN).view(UNITS, SPAN)
        self.stream = stream

    @property
    def problem(self) -> Problem:
        covariance = self.table.T @ self.table / ROWS
        return Problem(covariance, self.weights, torch.arange(UNITS), self.own, torch.arange(TARGETS))

    def lost(self, gone: set[int]) -> Tensor:
        """Refit by ``lstsq``, every column noisy by the ridge: as many further rows, one per column."""
        columns = [c for c in range(self.read) if c // SPAN not in gone]
        columns += [self.read + c for unit in sorted(gone) for c in self.own[unit].tolist()] if self.stream else []
        read, aims = self.table[:, columns], self.table[:, : self.read] @ self.weights
        noise = torch.diag((RIDGE * read.square().sum(0)).sqrt())
        solution = torch.linalg.lstsq(torch.cat([read, noise]), torch.cat([aims, noise.new_zeros(len(noise), TARGETS)]))
        fitted = torch.cat([read, noise]) @ solution.solution
        errors = torch.cat([aims, noise.new_zeros(len(noise), TARGETS)]) - fitted
        return errors.square().sum(0) / ROWS

    def greedy(self) -> tuple[list[int], Tensor]:
        """Judge every candidate by a refit, at every step."""
        start, gone, order, lost = self.lost(set()), set(), [], []
        while len(order) < UNITS:
            costs = {unit: self.lost(gone | {unit}) - start for unit in range(UNITS) if unit not in gone}
            unit = min(costs, key=lambda unit: float(costs[unit] @ self.worth))
            gone, order, lost = gone | {unit}, [*order, unit], [*lost, costs[unit]]
        return order, torch.stack(lost)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("seed", range(4))
def test_the_order_and_the_losses_are_those_of_refits(seed: int, stream: bool):
    case = Case(10 * seed, stream)
    path = eliminated([case.problem], UNITS, case.worth, never)
    order, lost = case.greedy()
    assert list(path.units) == order
    assert path.removed == UNITS
    torch.testing.assert_close(path.after, lost, rtol=1e-8, atol=1e-8 * float(lost.max()))
    torch.testing.assert_close(path.before[1:], path.after[:-1], rtol=1e-8, atol=1e-10 * float(lost.max()))


def test_in_a_given_order_what_is_too_much_stays():
    case = Case(3, stream=False)
    start = case.lost(set())
    limit = 0.2 * float((case.lost(set(range(UNITS))) - start) @ case.worth)
    path = one_by_one([case.problem], range(UNITS), case.worth, lambda _, after: float(after @ case.worth) > limit)
    gone: set[int] = set()
    for unit in range(UNITS):
        if float((case.lost(gone | {unit}) - start) @ case.worth) <= limit:
            gone = gone | {unit}
    assert 0 < len(gone) < UNITS
    assert path.units[: path.removed] == tuple(sorted(gone))
    assert sorted(path.units) == list(range(UNITS))


def test_it_stops_where_enough_is_lost_and_judges_what_stays():
    case = Case(5, stream=False)
    whole = eliminated([case.problem], UNITS, case.worth, never)
    bound = float(whole.after[2] @ case.worth)
    path = eliminated([case.problem], UNITS, case.worth, lambda _, after: float(after @ case.worth) > bound)
    assert path.removed == 3
    assert path.units[:3] == whole.units[:3]
    left = path.units[3:]
    start = case.lost(set())
    for unit, after in zip(left, path.after[3:], strict=True):
        expected = case.lost({*path.units[:3], unit}) - start
        torch.testing.assert_close(after, expected, rtol=1e-8, atol=1e-8 * float(whole.after.max()))


def test_groups_that_share_units_count_together():
    one, other = Case(1, stream=False), Case(2, stream=False)
    second = Problem(other.problem.covariance, other.weights, torch.arange(UNITS), other.own, TARGETS + torch.arange(5))
    worth = torch.cat([one.worth, other.worth])
    path = eliminated([one.problem, second], UNITS, worth, never)
    gone: set[int] = set()
    pairs = [(case, case.lost(set())) for case in (one, other)]
    for unit, after in zip(path.units, path.after, strict=True):
        costs = {
            each: torch.cat([case.lost(gone | {each}) - start for case, start in pairs])
            for each in range(UNITS)
            if each not in gone
        }
        assert unit == min(costs, key=lambda each: float(costs[each] @ worth))
        torch.testing.assert_close(after, costs[unit], rtol=1e-8, atol=1e-8 * float(path.after.max()))
        gone = gone | {unit}


def test_units_with_fewer_columns_are_filled_up():
    case = Case(4, stream=False)
    columns = case.own.clone()
    columns[2, 1:] = -1  # its other two columns belong to nobody and always stay
    problem = Problem(case.problem.covariance, case.weights, torch.arange(UNITS), columns, torch.arange(TARGETS))
    path = eliminated([problem], UNITS, case.worth, never)
    covariance = case.problem.covariance
    kept = [c for c in range(case.read) if c in (7, 8) or c >= UNITS * SPAN]
    noisy = covariance + torch.diag(RIDGE * covariance.diagonal())
    aims = covariance[:, : case.read] @ case.weights
    explained = (aims[kept] * torch.linalg.solve(noisy[kept][:, kept], aims[kept])).sum(0)
    whole = (aims[: case.read] * torch.linalg.solve(noisy[: case.read, : case.read], aims[: case.read])).sum(0)
    torch.testing.assert_close(path.after[-1], whole - explained, rtol=1e-8, atol=1e-8)


def test_of_exact_copies_and_dead_columns_nothing_is_lost_until_the_last_goes():
    table = normal(ROWS, 3, seed=0)
    table = torch.cat([table, table[:, :1], torch.zeros(ROWS, 1, dtype=torch.float64)], 1)
    table = table - table.mean(0)
    weights = torch.ones(5, 1, dtype=torch.float64)
    every = torch.arange(5)
    problem = Problem(table.T @ table / ROWS, weights, every, every[:, None], torch.arange(1))
    path: Path = eliminated([problem], 5, torch.ones(1), never)
    assert path.units[0] == 4
    assert path.units[1] in (0, 3)
    assert path.after[1] < 1e-5
    assert path.after[2] > 0.1


def test_alone_is_what_one_unit_explains():
    case = Case(6, stream=False)
    found = alone(case.problem)
    aims = case.table[:, : case.read] @ case.weights
    for unit in range(UNITS):
        own = case.table[:, case.own[unit]]
        fitted = own @ torch.linalg.lstsq(own, aims).solution
        torch.testing.assert_close(found[unit], fitted.square().sum(0) / ROWS, rtol=1e-4, atol=1e-6)
