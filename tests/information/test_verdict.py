"""When a loss is too much: against simulated estimates, and the shares that each level allows."""

from math import sqrt

import pytest
import torch

from mipp_core.information import LEVELS, confidence_of, quantiles
from mipp_core.information.verdict import FREE, Verdict, worths
from mipp_core.vocabulary import LossKind, Reference


def verdict(
    loss: LossKind = "variance", reference: Reference = "fixed", noise: float = 0.01, size: int = 64
) -> Verdict:
    one = torch.ones(1, 1, dtype=torch.float64)
    return Verdict(one, one[0], noise, size, loss, reference)


def shared(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(("error", "gain"), [(0.0, 0.02), (0.05, 0.02), (0.1, 0.3)])
def test_the_standard_error_is_that_of_simulated_estimates(error: float, gain: float):
    """Errors e, noise n and what a removal adds, all Gaussian: the mean of 64 differences of squares, 40,000 times."""
    generator = torch.Generator().manual_seed(0)
    noise, size, times = 0.01, 64, 40_000
    drawn = torch.randn(2, times, size, generator=generator, dtype=torch.float64)
    before, added = sqrt(error + noise) * drawn[0], sqrt(gain) * drawn[1]
    estimates = ((before + added).square() - before.square()).mean(1)
    found = verdict(reference="current", noise=noise, size=size).statistics(shared(error), shared(error + gain))
    assert float(found) == pytest.approx(gain / float(estimates.std()), rel=0.02)


def test_the_estimate_in_nats_has_the_variance_of_simulated_ones():
    generator = torch.Generator().manual_seed(0)
    noise, gain, size, times = 0.01, 0.04, 400, 20_000
    drawn = torch.randn(2, times, size, generator=generator, dtype=torch.float64)
    before, added = sqrt(noise) * drawn[0], sqrt(gain) * drawn[1]
    estimates = 0.5 * ((before + added).square().mean(1) / before.square().mean(1)).log()
    judged = verdict("nats", noise=noise, size=size)
    cost = judged.losses(shared(0.0), shared(gain))
    assert float(cost) == pytest.approx(float(estimates.mean()), rel=0.01)
    assert float(judged.statistics(shared(0.0), shared(gain))) == pytest.approx(
        float(cost) / float(estimates.std()), rel=0.03
    )


def test_each_level_allows_the_share_that_is_stated():
    judged, size, noise = verdict(noise=0.004, size=50), 50, 0.004
    for level, z in enumerate(quantiles(tuple(map(confidence_of, range(LEVELS)))).tolist()):
        allowed = 4 * noise * z * z / (size - 2 * z * z)
        if level:
            assert float(judged.statistics(shared(0.0), shared(allowed))) == pytest.approx(z, rel=1e-9)


def test_what_the_ridge_cannot_tell_is_no_loss():
    assert float(verdict().statistics(shared(0.0), shared(FREE / 2))) == 0
    assert float(verdict().statistics(shared(0.0), shared(FREE * 2))) > 0


def test_worths_of_wanted_targets_add_up_to_one():
    wanted = torch.tensor([[True, True, True], [True, False, True], [False, False, False]])
    variance, heard = shared(1.0, 4.0, 2.0), shared(3.0, 1.0, 2.0)
    found = worths(wanted, heard, variance, None)
    assert (found @ variance).tolist() == pytest.approx([1.0, 1.0, 0.0])
    assert found[1, 1] == 0
    assert (worths(wanted, heard, variance, 10.0)[0]).tolist() == pytest.approx([0.3, 0.1, 0.2])
