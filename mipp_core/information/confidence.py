"""The paper's schedule of confidence levels and their normal quantiles (MIPP paper, Appendix D.1)."""

from math import ceil
from statistics import NormalDist

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.errors import SettingError

LEVELS = 20
"""Number of confidence levels in the paper's schedule."""

_FINE = 0.13  # of normal quantiles; the schedule's are 0.14 to 0.67 apart


def confidence_of(level: int) -> float:
    """Return the confidence x_n = 1 - 2^-(n+1) of a level: 0.5, 0.75, 0.875, ... 0.99999905.

    Raises:
        SettingError: the level is not in 0..19.
    """
    if not 0 <= level < LEVELS:
        raise SettingError(f"Level {level} is outside the schedule; choose a whole number from 0 to {LEVELS - 1}.")
    return 1.0 - 2.0 ** -(level + 1)


def fine_schedule() -> tuple[float, ...]:
    """Return the schedule's confidences and others between them, whose quantiles are at most ``_FINE`` apart."""
    found = [confidence_of(0)]
    for level in range(1, LEVELS):
        low, high = quantile(found[-1]), quantile(confidence_of(level))
        parts = ceil((high - low) / _FINE)
        found += [NormalDist().cdf(low + (high - low) * part / parts) for part in range(1, parts)]
        found.append(confidence_of(level))
    return tuple(found)


def level_of(confidence: float) -> int:
    """Return the level of the schedule nearest to a confidence, in normal quantiles.

    Raises:
        SettingError: the confidence is outside [0.5, 1).
    """
    wanted = quantile(confidence)
    return min(range(LEVELS), key=lambda level: abs(quantile(confidence_of(level)) - wanted))


def quantile(confidence: float) -> float:
    """Return z_x, the standard normal quantile of a confidence in [0.5, 1).

    Raises:
        SettingError: the confidence is outside [0.5, 1).
    """
    if not 0.5 <= confidence < 1.0:
        raise SettingError(
            f"The confidence {confidence} is outside [0.5, 1); choose 0.5 (prune little) up to 0.999999."
        )
    return NormalDist().inv_cdf(confidence)


def quantiles(confidences: tuple[float, ...]) -> Float[Tensor, " levels"]:
    """Return z_x of several confidences, in float64.

    Raises:
        SettingError: there is none, one is outside [0.5, 1), or they do not ascend.
    """
    found = [quantile(confidence) for confidence in confidences]
    if not found or found != sorted(found):
        raise SettingError(f"The confidences {confidences} are not ascending; give at least one, the lowest first.")
    return torch.tensor(found, dtype=torch.float64)
