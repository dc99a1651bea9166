"""What Rényi estimates tend to: the sum over eigenvalues, the median by SciPy, and where there is nothing to tell."""

from math import log

import pytest
from scipy.stats import chi2

from mipp_core.playground import renyi_limit as limits
from mipp_core.playground.known import known
from mipp_core.playground.renyi_limit import median_square, renyi_limit


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_the_median_is_scipys(dimension):
    assert median_square(dimension) == pytest.approx(chi2.median(dimension), abs=1e-9)


@pytest.mark.parametrize("alpha", [0.5, 1.01, 2.0])
def test_the_entropy_is_the_sum_over_eigenvalues(alpha):
    a, b = 1 / (4 * 1.7), 1 / (2 * 0.6)
    ratio = b / (a + b + (a * a + 2 * a * b) ** 0.5)
    eigenvalues = [(1 - ratio) * ratio**k for k in range(2000)]
    assert sum(eigenvalues) == pytest.approx(1)
    expected = log(sum(each**alpha for each in eigenvalues)) / (1 - alpha)
    assert limits._entropy(1.7, 0.6, alpha) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["gaussian", "gaussian-5d", "triple", "xor"])
def test_nothing_is_told_by_independent_variables(name):
    assert renyi_limit(known(name), 0.0, 2.0) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", ["triple", "xor"])
def test_near_order_1_it_is_the_information_of_discrete_variables_and_else_it_is_not(name):
    pair = known(name)
    assert renyi_limit(pair, 0.8, 1.0001) == pytest.approx(pair.truth(0.8), abs=1e-3)
    assert abs(renyi_limit(pair, 0.8, 2.0) - pair.truth(0.8)) > 0.05


def test_no_formula_is_made_up():
    assert renyi_limit(known("ring"), 0.8, 2.0) is None
    assert renyi_limit(known("cubed"), 0.8, 2.0) is None
