"""Mutual information from nearest neighbours: against scikit-learn, a slow twin, and what is known."""

from math import log

import pytest
import torch
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression

from mipp_core.errors import SettingError
from mipp_core.information import neighbours
from mipp_core.information.neighbours import neighbour_information


def pair(n, width, correlation, seed=0):
    x, noise = torch.randn(2, n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x, correlation * x + (1 - correlation**2) ** 0.5 * noise


def scaled(values):
    return values / values.std(0, correction=0, keepdim=True)


@pytest.mark.parametrize("correlation", [0.5, 0.8, 0.99])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_single_numbers_are_as_in_scikit_learn(correlation, k):
    x, y = pair(400, 1, correlation)
    expected = mutual_info_regression(x.numpy(), y[:, 0].numpy(), n_neighbors=k, random_state=0)
    assert neighbour_information(scaled(x), scaled(y), k) == pytest.approx(expected[0], abs=1e-6)


def slowly(x, y, k):
    n, total = len(x), 0.0
    far_x = [[max(abs(a - b) for a, b in zip(x[i], x[j], strict=True)) for j in range(n)] for i in range(n)]
    far_y = [[max(abs(a - b) for a, b in zip(y[i], y[j], strict=True)) for j in range(n)] for i in range(n)]
    for i in range(n):
        others = [j for j in range(n) if j != i]
        reach = sorted(max(far_x[i][j], far_y[i][j]) for j in others)[k - 1]
        near = [sum(far[i][j] < reach for j in others) for far in (far_x, far_y)]
        total += digamma(near[0] + 1) + digamma(near[1] + 1)
    return float(digamma(k) + digamma(n) - total / n)


@pytest.mark.parametrize(("width", "k"), [(1, 2), (2, 3), (5, 3)])
def test_many_numbers_are_as_in_a_slow_twin(width, k):
    x, y = pair(60, width, 0.7)
    y = torch.cat([y, x[:, :1] ** 2], 1)
    assert neighbour_information(x, y, k) == pytest.approx(slowly(x.tolist(), y.tolist(), k), abs=1e-9)


def test_few_distances_at_once_give_the_same(monkeypatch):
    x, y = pair(200, 2, 0.5)
    expected = neighbour_information(x, y)
    monkeypatch.setattr(neighbours, "_AT_ONCE", 1000)
    assert neighbour_information(x, y) == pytest.approx(expected, abs=1e-12)


def test_it_is_near_what_is_known():
    assert neighbour_information(*pair(2000, 1, 0.0)) == pytest.approx(0, abs=0.05)
    assert neighbour_information(*pair(2000, 1, 0.8)) == pytest.approx(-log(1 - 0.64) / 2, abs=0.05)


@pytest.mark.parametrize("k", [0, 5])
def test_as_many_neighbours_as_there_are_samples_are_refused(k):
    with pytest.raises(SettingError, match="take 1 to 4"):
        neighbour_information(*pair(5, 1, 0.5), k)
