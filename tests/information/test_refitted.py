"""The weights that are left of a regression: against least squares, and against the tables that lose units in turn."""

import torch

from mipp_core.information.elimination import one_by_one
from mipp_core.information.regressions import RIDGE, Problem, refitted

ROWS, UNITS, SPAN, TARGETS = 200, 5, 3, 4


def normal(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def problem(noise=RIDGE):
    table = normal(ROWS, UNITS * SPAN, seed=0) @ normal(UNITS * SPAN, UNITS * SPAN, seed=1)
    table = table - table.mean(0)
    columns = torch.arange(UNITS * SPAN).view(UNITS, SPAN).clone()
    columns[-1, -1] = -1  # a unit of fewer columns; the last column is nobody's, and always there
    weights = normal(UNITS * SPAN, TARGETS, seed=2)
    made = Problem(table.T @ table / ROWS, weights, torch.arange(UNITS), columns, torch.arange(TARGETS), noise)
    return made, table


def test_they_are_those_of_least_squares():
    made, table = problem(noise=0.0)
    found = refitted(made, [0, 2, 4])
    columns = [0, 1, 2, 6, 7, 8, 12, 13, 14]
    expected = torch.linalg.lstsq(table[:, columns], table @ made.weights).solution
    torch.testing.assert_close(found[columns], expected)
    assert not found[[3, 4, 5, 9, 10, 11]].any()


def test_they_lose_what_the_tables_say():
    made, table = problem(noise=1e-12)
    order = [3, 0, 4, 1, 2]
    path = one_by_one([made], order, torch.ones(TARGETS, dtype=torch.double), lambda before, after: False)
    for gone in range(1, UNITS + 1):
        missed = table @ (made.weights - refitted(made, order[gone:]))
        torch.testing.assert_close(path.after[gone - 1], missed.square().mean(0), rtol=1e-5, atol=1e-8)


def test_no_unit_left_leaves_what_is_nobodys():
    found = refitted(problem()[0], [])
    assert not found[:-1].any()
    assert found[-1].all()
