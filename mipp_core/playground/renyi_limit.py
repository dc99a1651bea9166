"""What matrix-based Rényi estimates tend to with endless samples: another quantity than the mutual information.

The eigenvalues of a kernel's matrix, divided by n, tend to those of its integral operator.  For a Gaussian kernel of
width sigma and a Gaussian variable of variance v they are known (Rasmussen and Williams, Gaussian Processes for Machine
Learning, equation 4.39): (1 - q) q^k for k = 0, 1, …, with a = 1 / 4v, b = 1 / 2 sigma^2 and
q = b / (a + b + sqrt(a^2 + 2 a b)).  So the entropy is a sum of a geometric series.  Coordinates that are independent
add.  Of a correlated pair the kernels' product is that of both together, which looks the same from all sides: turned by
45 degrees, the pair is two independent variables with variances 1 + rho and 1 - rho.

For discrete variables, compared by equality, eigenvalues are the probabilities themselves.
"""

from math import expm1, log, log1p, sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.playground.known import Known

_HALVINGS = 60


def renyi_limit(pair: Known, strength: float, alpha: float) -> float | None:
    """Return the limit in nats; None where no formula is known here.

    Args:
        pair: the variables.
        strength: of their dependence.
        alpha: the order; not 1.
    """
    if pair.table is not None:
        return _of_table(pair.table(strength), alpha)
    return _of_gaussians(pair.dimension, strength, alpha) if pair.dimension else None


def _of_table(table: Float[Tensor, "a b"], alpha: float) -> float:
    def entropy(probabilities: Tensor) -> float:
        return float(probabilities.pow(alpha).sum().log() / (1 - alpha))

    return entropy(table.sum(1)) + entropy(table.sum(0)) - entropy(table)


def _of_gaussians(dimension: int, correlation: float, alpha: float) -> float:
    """Return the limit for standardised coordinates, kernels as wide as the median distance between two samples."""
    squared = 2 * median_square(dimension)

    def entropy(variance: float) -> float:
        return _entropy(variance, squared, alpha)

    return dimension * (2 * entropy(1.0) - entropy(1 + correlation) - entropy(1 - correlation))


def _entropy(variance: float, squared: float, alpha: float) -> float:
    """Return the entropy in nats of a Gaussian variable of some variance, with a kernel of some squared width."""
    a, b = 1 / (4 * variance), 1 / (2 * squared)
    ratio = b / (a + b + sqrt(a * a + 2 * a * b))
    return (alpha * log1p(-ratio) - log(-expm1(alpha * log(ratio)))) / (1 - alpha)


def median_square(dimension: int) -> float:
    """Return the median of the sum of so many squared standard Gaussians, by halving."""
    low, high = torch.zeros(1, dtype=torch.double), torch.full((1,), 2.0 * dimension, dtype=torch.double)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = torch.special.gammainc(torch.full_like(middle, dimension / 2), middle / 2) < 0.5
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return float(low)
