from itertools import pairwise
from statistics import NormalDist

import pytest
import torch

from mipp_core.errors import SettingError
from mipp_core.information import LEVELS, confidence_of, fine_schedule, level_of, quantiles
from mipp_core.information.confidence import quantile


def test_the_schedule_is_the_papers():
    assert [confidence_of(level) for level in range(6)] == [0.5, 0.75, 0.875, 0.9375, 0.96875, 0.984375]
    assert LEVELS == 20
    assert confidence_of(19) == pytest.approx(0.99999905, abs=1e-8)


def test_quantiles_invert_the_normal_distribution():
    confidences = tuple(confidence_of(level) for level in range(LEVELS))
    z = quantiles(confidences)
    back = torch.special.ndtr(z)
    torch.testing.assert_close(back, torch.tensor(confidences, dtype=torch.float64), rtol=1e-12, atol=1e-12)
    assert z.dtype == torch.float64
    assert z[0] == 0
    assert (z.diff() > 0).all()


@pytest.mark.parametrize(("confidence", "expected"), [(0.5, 0.0), (0.75, 0.6744897502), (0.975, 1.9599639845)])
def test_quantiles_of_the_tables(confidence: float, expected: float):
    assert quantiles((confidence,)).item() == pytest.approx(expected, abs=1e-9)


def test_the_last_level_is_4_76_standard_errors():
    assert quantiles((confidence_of(19),)).item() == pytest.approx(4.76, abs=0.01)


@pytest.mark.parametrize("level", range(LEVELS))
def test_a_level_is_found_back_from_its_confidence(level: int):
    assert level_of(confidence_of(level)) == level


def test_the_nearest_level_is_nearest_in_quantiles():
    normal = NormalDist()
    between = (normal.inv_cdf(confidence_of(3)) + normal.inv_cdf(confidence_of(4))) / 2
    assert level_of(normal.cdf(between - 0.01)) == 3
    assert level_of(normal.cdf(between + 0.01)) == 4
    assert level_of(1 - 1e-12) == 19


@pytest.mark.parametrize("level", [-1, 20])
def test_a_level_outside_the_schedule_is_refused(level: int):
    with pytest.raises(SettingError, match=f"Level {level} is outside the schedule; choose .* 0 to 19"):
        confidence_of(level)


@pytest.mark.parametrize("confidence", [0.49, 1.0, -1.0, float("nan")])
def test_a_confidence_outside_its_range_is_refused(confidence: float):
    with pytest.raises(SettingError, match=rf"The confidence {confidence} is outside \[0\.5, 1\)"):
        quantiles((0.5, confidence))
    with pytest.raises(SettingError, match="is outside"):
        level_of(confidence)


def test_the_fine_schedule_has_all_levels_and_no_large_step():
    fine = fine_schedule()
    assert set(map(confidence_of, range(LEVELS))) <= set(fine)
    steps = [quantile(high) - quantile(low) for low, high in pairwise(fine)]
    assert min(steps) > 0
    assert max(steps) <= 0.13 + 1e-9
    assert 40 <= len(fine) <= 60
