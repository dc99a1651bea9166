"""Entropy without densities: Rényi's, from the eigenvalues of a matrix of similarities (arXiv 2411.18578).

A variable is a column of n samples, each a number or a whole feature map.  Its *kernel* holds how similar its samples
are, K_ij = exp(-|x_i - x_j|^2 / 2 sigma^2), so K_ii = 1.  With A = K / n, whose eigenvalues add up to 1,

    S(A) = log2(sum of eigenvalues^alpha) / (1 - alpha)        in bits, 0 <= S <= log2(n).

Variables that are looked at together have the elementwise product of their kernels (Giraldo, Rao and Principe 2015).
Then I(x; y) = S(x) + S(y) - S(x, y) is at least 0, and I(x; y | z) = S(x, z) + S(y, z) - S(x, y, z) - S(z); the latter
is not bounded by 0 for every alpha, so it is given as it is.

For alpha = 2 no eigenvalue is needed: their squares add up to |A|^2 (Frobenius).  For alpha = 1 the limit is taken,
von Neumann's entropy.  Near 1 the factor 1 / (1 - alpha) magnifies every error of an eigenvalue, so everything is
computed in double precision, and eigenvalues below 1e-13, negative ones too, count as 0.

Saturation.  Products of many kernels tend to the identity, whose entropy is log2(n): every sample then differs from
every other, and no further variable can be told from another.
"""

from math import log
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.errors import SettingError

Width = Literal["paper", "median", "shared"]
"""How a kernel's width follows from the samples; see ``squared_widths``."""

SATURATED = 0.99
"""Share of log2(n) from which on a joint entropy counts as saturated."""

_ROUNDING = 1e-13

_NEAR = 1e-6
"""Orders nearer to 1 are taken as 1: the formula would lose all digits."""

_NARROWEST = 1e-300

_STILL = 1e-6
"""A variable whose deviation is this share of its largest value or less stands still: the rest is rounding."""

Kernels = Float[Tensor, "*k n n"]
"""Similarities of samples: 1 on the diagonal, in [0, 1] elsewhere, in double precision."""


def squared_distances(maps: Float[Tensor, "k n d"], scaled: bool = True) -> Float[Tensor, "k n n"]:
    """Return the squared distances between each variable's samples, in double precision.

    Args:
        maps: k variables, n samples of d numbers each.
        scaled: divide each variable by its standard deviation, over samples and places, so that the squared distance
            is 2 d on average over all pairs, itself included.  A variable that never varies has distances of 0.
    """
    centred = maps.double() - maps.double().mean(1, keepdim=True)
    if scaled:
        deviation = centred.square().mean((1, 2), keepdim=True).sqrt()
        centred = centred / torch.where(
            deviation > _STILL * maps.abs().amax((1, 2), keepdim=True), deviation, torch.inf
        )
    lengths = centred.square().sum(2)
    found = lengths[:, :, None] + lengths[:, None, :] - 2 * centred @ centred.mT
    found = found.clamp_min(0)
    found.diagonal(dim1=1, dim2=2).zero_()
    return found


def squared_widths(
    distances: Float[Tensor, "k n n"], numbers: int, how: Width, factor: float = 1.0, together: int = 1
) -> Float[Tensor, " k"]:
    """Return sigma^2 of each variable's kernel.

    ``paper`` is sigma = 5 n^(-1 / (4 + d)), the same for all variables.  ``median`` is the median distance between two
    samples.  ``shared`` is the median distance times the square root of the number of variables that are looked at
    together, so that the product of all their kernels is that of one long vector, and does not saturate.

    Args:
        distances: squared, of k variables.
        numbers: d, of one sample of a variable.
        how: the rule.
        factor: multiplies sigma.
        together: variables that are looked at together.
    """
    count, n = distances.shape[:2]
    if how == "paper":
        found = distances.new_full((count,), (5 * n ** (-1 / (4 + numbers))) ** 2)
    else:
        row, column = torch.triu_indices(n, n, 1, device=distances.device)
        found = distances[:, row, column].median(1).values
        found = torch.where(found > 0, found, _mean_if_any(distances))
    return found * factor * factor * (together if how == "shared" else 1)


def _mean_if_any(distances: Float[Tensor, "k n n"]) -> Float[Tensor, " k"]:
    """Return the mean squared distance, for variables that mostly stand still; 1 for those that always do."""
    mean = distances.mean((1, 2))
    return torch.where(mean > 0, mean, 1)


def gaussian(distances: Float[Tensor, "k n n"], squared: Float[Tensor, " k"]) -> Float[Tensor, "k n n"]:
    """Return kernels from squared distances and squared widths."""
    return torch.exp(-distances / (2 * squared.clamp_min(_NARROWEST)[:, None, None]))


def same(labels: Int[Tensor, " n"]) -> Float[Tensor, "n n"]:
    """Return the kernel of a discrete variable: 1 where two samples are equal, otherwise 0.

    Its entropy at alpha = 1 is Shannon's, of the shares of the values.
    """
    return (labels[:, None] == labels[None, :]).double()


def entropy(kernels: Kernels, alpha: float) -> Float[Tensor, "*k"]:
    """Return the entropy of variables in bits, in [0, log2(n)].

    Args:
        kernels: of the variables, or products of kernels for joint entropies.
        alpha: order, above 0.

    Raises:
        SettingError: alpha is not above 0.
    """
    if not alpha > 0:
        raise SettingError(f"The order alpha is {alpha}; it must be above 0, as 1.01.")
    n = kernels.shape[-1]
    if alpha == 2:
        return -torch.log2(kernels.square().sum((-2, -1)) / n**2)
    return of_eigenvalues(torch.linalg.eigvalsh(kernels / n), alpha)


def of_eigenvalues(eigenvalues: Float[Tensor, "*k n"], alpha: float) -> Float[Tensor, "*k"]:
    """Return the entropy in bits of eigenvalues that add up to 1; those that may be errors of rounding count as 0."""
    positive = torch.where(eigenvalues > _ROUNDING, eigenvalues, 0)
    if abs(alpha - 1) < _NEAR:
        return -torch.special.xlogy(positive, positive).sum(-1) / log(2)
    largest = positive.amax(-1)
    return (alpha * torch.log2(largest) + torch.log2((positive / largest[..., None]).pow(alpha).sum(-1))) / (1 - alpha)


def mutual(x: Kernels, y: Kernels, alpha: float) -> Float[Tensor, "*k"]:
    """Return I(x; y) in bits: what variables tell of each other."""
    return entropy(x, alpha) + entropy(y, alpha) - entropy(x * y, alpha)


def conditional(x: Kernels, y: Kernels, given: Kernels, alpha: float) -> Float[Tensor, "*k"]:
    """Return I(x; y | given) in bits: what x and y tell of each other beyond what is given."""
    whole = entropy(x * given, alpha) + entropy(y * given, alpha)
    return whole - entropy(x * y * given, alpha) - entropy(given, alpha)
