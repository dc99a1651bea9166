"""Pairs of variables whose information is known: formulas against integration and counting, samples against both."""

from math import log, pi

import pytest
import torch
from scipy.integrate import dblquad, quad
from scipy.stats import multivariate_normal, norm
from sklearn.metrics import mutual_info_score

from mipp_core.errors import SettingError, UnknownNameError
from mipp_core.playground.known import (
    DISTRIBUTIONS,
    counted,
    gaussian_information,
    known,
    noisy_table,
    ring_information,
)


def test_the_gaussians_information_is_the_integral():
    correlation = 0.6
    both = multivariate_normal(cov=[[1, correlation], [correlation, 1]])

    def part(y, x):
        return both.pdf([x, y]) * (both.logpdf([x, y]) - norm.logpdf(x) - norm.logpdf(y))

    found = dblquad(part, -6, 6, -6, 6, epsabs=1e-3)[0]
    assert gaussian_information(1, correlation) == pytest.approx(found, abs=1e-3)
    assert gaussian_information(5, correlation) == pytest.approx(5 * found, abs=5e-3)


@pytest.mark.parametrize("inner", [0.0, 0.5, 0.8, 0.99])
def test_the_rings_information_is_the_integral(inner):
    area = pi * (1 - inner**2)

    def part(x):
        density = 2 * ((1 - x * x) ** 0.5 - max(0.0, inner**2 - x * x) ** 0.5) / area
        return -density * log(density) if density > 0 else 0.0

    marginal = 2 * (quad(part, 0, inner, limit=200)[0] + quad(part, inner, 1, limit=200)[0])
    assert ring_information(inner) == pytest.approx(2 * marginal - log(area), abs=1e-5)


def test_the_disc_is_known_by_heart():
    """h(x) of a semicircle of radius 1 is ln(2 pi) - 1/2 - ln 2."""
    assert ring_information(0.0) == pytest.approx(2 * (log(pi) - 0.5) - log(pi), abs=1e-8)


def test_bits_are_counted():
    quarter = -(0.25 * log(0.25) + 0.75 * log(0.75))
    assert counted(noisy_table(3, 1.0)) == pytest.approx(quarter)
    assert counted(noisy_table(2, 1.0)) == pytest.approx(log(2))
    assert counted(noisy_table(2, 0.0)) == pytest.approx(0, abs=1e-12)
    pairwise = noisy_table(3, 1.0).view(2, 4, 2).sum(1)
    assert counted(pairwise) == pytest.approx(0, abs=1e-12)  # no bit alone tells anything


@pytest.mark.parametrize("name", ["triple", "xor"])
def test_samples_of_bits_are_as_often_as_their_table_says(name):
    pair = known(name)
    x, y = pair.drawn(0.8, 40_000, 0)
    codes = (x @ 2.0 ** torch.arange(x.shape[1], dtype=x.dtype)).long()
    each = torch.tensor(1 / 40_000, dtype=torch.double)
    found = torch.zeros_like(pair.table(0.8)).index_put_((codes, y[:, 0].long()), each, True)
    torch.testing.assert_close(found, pair.table(0.8), atol=0.006, rtol=0)
    assert mutual_info_score(codes, y[:, 0]) == pytest.approx(pair.truth(0.8), abs=0.01)


def test_samples_of_gaussians_have_their_correlation():
    x, y = known("gaussian-5d").drawn(0.6, 20_000, 0)
    whole = torch.corrcoef(torch.cat([x, y], 1).T)
    torch.testing.assert_close(whole[:5, 5:], 0.6 * torch.eye(5).double(), atol=0.03, rtol=0)
    torch.testing.assert_close(known("cubed").drawn(0.6, 50, 3)[1], known("gaussian").drawn(0.6, 50, 3)[1] ** 3)


def test_samples_of_the_ring_lie_between_its_circles():
    x, y = known("ring").drawn(0.7, 5000, 0)
    radius = (x**2 + y**2).sqrt()
    assert radius.min() >= 0.7
    assert radius.max() <= 1
    inside = (radius < (0.5 * (1 + 0.7**2)) ** 0.5).double().mean()
    assert inside == pytest.approx(0.5, abs=0.03)  # half of the area, half of the points


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_information_grows_with_the_strength_and_samples_repeat(name):
    pair = known(name)
    heights = [pair.truth(strength / 10) for strength in range(10)]
    assert heights == sorted(heights)
    first, again = pair.drawn(0.5, 20, 4), pair.drawn(0.5, 20, 4)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], pair.drawn(0.5, 20, 5)[0])


def test_what_is_out_of_range_is_refused():
    with pytest.raises(SettingError, match="out of range"):
        known("gaussian").drawn(1.0, 10, 0)
    with pytest.raises(UnknownNameError, match="ring"):
        known("square")
