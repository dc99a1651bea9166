"""Rényi's matrix-based entropy, against eigenvalues by NumPy, closed forms and bounds."""

from math import log2

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score
from torch import Tensor

from mipp_core.errors import SettingError
from mipp_core.information.renyi import (
    conditional,
    entropy,
    gaussian,
    mutual,
    same,
    squared_distances,
    squared_widths,
)

ALPHAS = (0.5, 1.0, 1.01, 2.0, 3.0)
N = 40


def drawn(count: int, numbers: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(count, N, numbers, generator=torch.Generator().manual_seed(seed))


def kernels(count: int, numbers: int = 3, seed: int = 0, factor: float = 0.5) -> Tensor:
    distances = squared_distances(drawn(count, numbers, seed))
    return gaussian(distances, squared_widths(distances, numbers, "median", factor))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_it_is_the_formula_by_other_eigenvalues(alpha: float):
    for kernel in kernels(3):
        values = np.linalg.eigvals(kernel.numpy() / N).real.clip(1e-300)
        expected = -(values * np.log2(values)).sum() if alpha == 1 else np.log2((values**alpha).sum()) / (1 - alpha)
        assert entropy(kernel, alpha).item() == pytest.approx(expected, abs=1e-9)


def test_it_is_continuous_at_1():
    kernel = kernels(1)[0]
    below, at, above = (entropy(kernel, alpha).item() for alpha in (1 - 1e-6, 1.0, 1 + 1e-6))
    assert below == pytest.approx(at, abs=1e-4) and above == pytest.approx(at, abs=1e-4)
    assert below >= at >= above


@pytest.mark.parametrize("alpha", ALPHAS)
def test_bounds(alpha: float):
    x, y = kernels(2, seed=1)
    for kernel in (x, y, x * y):
        assert -1e-9 <= entropy(kernel, alpha).item() <= log2(N) + 1e-9
    both = entropy(x * y, alpha)
    assert both >= max(entropy(x, alpha), entropy(y, alpha)) - 1e-9
    assert mutual(x, y, alpha) >= -1e-9


@pytest.mark.parametrize("alpha", ALPHAS)
def test_extremes(alpha: float):
    one, all_different = torch.ones(N, N, dtype=torch.double), torch.eye(N, dtype=torch.double)
    assert entropy(one, alpha).item() == pytest.approx(0, abs=1e-9)
    assert entropy(all_different, alpha).item() == pytest.approx(log2(N), abs=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_identical_and_permuted_variables(alpha: float):
    x, labels = kernels(1, seed=2)[0], same(torch.arange(N) % 4)
    assert mutual(labels, labels, alpha).item() == pytest.approx(2, abs=1e-9)  # log2(4), at any alpha
    order = torch.randperm(N, generator=torch.Generator().manual_seed(3))
    together = x[order][:, order], labels[order][:, order]
    assert mutual(*together, alpha).item() == pytest.approx(mutual(x, labels, alpha).item(), abs=1e-9)
    assert conditional(labels, labels, labels, alpha).item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_independent_variables_tell_nothing(alpha: float):
    rows, columns = torch.meshgrid(torch.arange(4), torch.arange(10), indexing="ij")
    x, y = same(rows.flatten()), same(columns.flatten())
    assert mutual(x, y, alpha).item() == pytest.approx(0, abs=1e-9)


def test_for_discrete_variables_alpha_1_is_shannons():
    generator = torch.Generator().manual_seed(4)
    x = torch.randint(0, 3, (N,), generator=generator)
    y = (x + torch.randint(0, 2, (N,), generator=generator)) % 3
    expected = mutual_info_score(x.numpy(), y.numpy()) / np.log(2)
    assert mutual(same(x), same(y), 1.0).item() == pytest.approx(expected, abs=1e-9)


def test_distances_are_those_between_samples():
    maps = drawn(2, numbers=5)
    plain = squared_distances(maps, scaled=False)
    torch.testing.assert_close(plain, torch.cdist(maps.double(), maps.double()).square(), rtol=1e-9, atol=1e-9)
    scaled = squared_distances(7 * maps + 3)
    torch.testing.assert_close(scaled, squared_distances(maps), rtol=1e-5, atol=1e-5)
    assert scaled.mean((1, 2)).tolist() == pytest.approx([10, 10])


def test_a_variable_that_stands_still_is_one_point():
    maps = torch.full((1, N, 2), 0.3) + 1e-8 * drawn(1, numbers=2)
    found = squared_distances(maps)
    assert not found.any()
    assert squared_widths(found, 2, "median").item() == 1


def test_widths():
    distances = squared_distances(drawn(2, numbers=6))
    assert squared_widths(distances, 6, "paper").tolist() == pytest.approx([(5 * N**-0.1) ** 2] * 2)
    pairs = distances[0][*torch.triu_indices(N, N, 1)]
    median = squared_widths(distances, 6, "median")
    assert median[0].item() == pytest.approx(pairs.median().item())
    torch.testing.assert_close(squared_widths(distances, 6, "shared", 3.0, 5), 45 * median)


def test_an_order_of_0_is_refused():
    with pytest.raises(SettingError, match=r"must be above 0, as 1\.01"):
        entropy(kernels(1), 0.0)


@pytest.mark.parametrize("alpha", [1e-9, 1 + 1e-12, 1e4, 1e300])
def test_extreme_orders_stay_within_bounds(alpha: float):
    found = entropy(kernels(2), alpha)
    assert found.isfinite().all() and (found >= -1e-6).all() and (found <= log2(N) + 1e-6).all()


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_extreme_widths_tell_all_samples_apart_or_none(factor: float):
    distances = squared_distances(drawn(1))
    kernel = gaussian(distances, squared_widths(distances, 3, "median", factor))[0]
    expected = torch.eye(N) if factor < 1 else torch.ones(N, N)
    torch.testing.assert_close(kernel, expected.double())
