"""Pairs of variables whose mutual information is known: by a formula, by integration, or by counting."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import log, log1p, pi
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.errors import SettingError, UnknownNameError

Drawn = tuple[Float[Tensor, "n p"], Float[Tensor, "n q"]]
"""Samples of x and of y, in double precision."""

STRONGEST = 0.99
"""The largest strength: at 1 continuous variables would tell infinitely much of each other."""

_CELLS = 1 << 16


@dataclass(frozen=True)
class Known:
    """A pair of variables x and y.

    Attributes:
        title: its name for readers.
        strength_is: what the strength, from 0 to ``STRONGEST``, means here.
        draw: makes samples, from a strength, their number and a generator.
        truth: I(x; y) in nats, from a strength.
        table: the probabilities of all values of x and of y, where they are discrete, from a strength.
        dimension: of x and y, where they are Gaussian; 0 if they are not.
    """

    title: str
    strength_is: str
    draw: Callable[[float, int, torch.Generator], Drawn]
    truth: Callable[[float], float]
    table: Callable[[float], Float[Tensor, "a b"]] | None = None
    dimension: int = 0

    def drawn(self, strength: float, n: int, seed: int) -> Drawn:
        """Return samples, the same for the same seed.

        Raises:
            SettingError: the strength is out of range.
        """
        if not 0 <= strength <= STRONGEST:
            raise SettingError(f"A strength of {strength:g} is out of range; take 0 to {STRONGEST}.")
        return self.draw(strength, n, torch.Generator().manual_seed(seed))


def _normal(n: int, dimension: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    return torch.randn(n, dimension, generator=generator, dtype=torch.double)


def _gaussians(dimension: int, correlation: float, n: int, generator: torch.Generator) -> Drawn:
    x, noise = _normal(n, dimension, generator), _normal(n, dimension, generator)
    return x, correlation * x + (1 - correlation**2) ** 0.5 * noise


def gaussian_information(dimension: int, correlation: float) -> float:
    """Return -d/2 ln(1 - rho^2): d pairs of Gaussians, each pair correlated, pairs independent."""
    return -dimension / 2 * log1p(-(correlation**2))


def _cubed(correlation: float, n: int, generator: torch.Generator) -> Drawn:
    x, y = _gaussians(1, correlation, n, generator)
    return x, y**3


def _ring(inner: float, n: int, generator: torch.Generator) -> Drawn:
    turn, area = torch.rand(2, n, 1, generator=generator, dtype=torch.double)
    radius = (inner**2 + (1 - inner**2) * area).sqrt()
    return radius * torch.cos(2 * pi * turn), radius * torch.sin(2 * pi * turn)


def ring_information(inner: float) -> float:
    """Return I(x; y) of a point that is uniform between two circles, by integration.

    Its density is 1 / area, so h(x, y) = ln(area); the density of x alone is the length of the ring above x, divided by
    the area; I = h(x) + h(y) - h(x, y).  The integral runs over the angle of x = cos(angle), which has no steep end.

    Args:
        inner: radius of the inner circle, in [0, 1); that of the outer one is 1.
    """
    area = pi * (1 - inner**2)
    angle = (torch.arange(_CELLS, dtype=torch.double) + 0.5) * pi / _CELLS
    x = angle.cos()
    density = 2 * (angle.sin() - (inner**2 - x**2).clamp_min(0).sqrt()) / area
    marginal = -(torch.xlogy(density, density) * angle.sin()).sum() * pi / _CELLS
    return float(2 * marginal) - log(area)


def _bits(count: int) -> Float[Tensor, "a count"]:
    """Return all values of some bits."""
    values = torch.arange(2**count)
    return torch.stack([(values >> bit) & 1 for bit in range(count)], 1).double()


def _answers(bits: Float[Tensor, "n count"]) -> Float[Tensor, " n"]:
    """Return A: for three bits, whether all agree (TERC); for two, whether they differ (exclusive or)."""
    ones = bits.sum(1)
    return ((ones == 1) if bits.shape[1] == 2 else (ones % 3 == 0)).double()


def _noisy(count: int, strength: float, n: int, generator: torch.Generator) -> Drawn:
    x = torch.randint(2, (n, count), generator=generator).double()
    flipped = torch.rand(n, generator=generator, dtype=torch.double) < (1 - strength) / 2
    return x, (_answers(x) - flipped.double()).abs()[:, None]


def noisy_table(count: int, strength: float) -> Float[Tensor, "a 2"]:
    """Return the probabilities of all values of fair bits and of their answer, flipped with probability (1 - s) / 2."""
    answer, flip = _answers(_bits(count)), (1 - strength) / 2
    one = answer * (1 - flip) + (1 - answer) * flip
    return torch.stack([1 - one, one], 1) / 2**count


def counted(table: Float[Tensor, "a b"]) -> float:
    """Return I(x; y) in nats of a table of probabilities."""
    apart = table.sum(1, keepdim=True) * table.sum(0, keepdim=True)
    return float((torch.xlogy(table, table) - torch.xlogy(table, apart)).sum())


def _gaussian(dimension: int) -> Known:
    return Known(
        f"Gaussians, {dimension}-dimensional" if dimension > 1 else "Gaussians",
        "the correlation of each coordinate of x with the same of y",
        partial(_gaussians, dimension),
        partial(gaussian_information, dimension),
        dimension=dimension,
    )


def _discrete(title: str, count: int) -> Known:
    def truth(strength: float) -> float:
        return counted(noisy_table(count, strength))

    words = "1 − 2 × the share of answers that are flipped"
    return Known(title, words, partial(_noisy, count), truth, partial(noisy_table, count))


DISTRIBUTIONS: Mapping[str, Known] = MappingProxyType(
    {
        "gaussian": _gaussian(1),
        "gaussian-2d": _gaussian(2),
        "gaussian-5d": _gaussian(5),
        "cubed": Known(
            "Gaussians, y cubed",
            "the correlation before y is cubed, which takes no information away",
            _cubed,
            partial(gaussian_information, 1),
        ),
        "ring": Known(
            "A ring",
            "the inner circle's radius, the outer one's being 1; 0 is a disc",
            _ring,
            ring_information,
        ),
        "triple": _discrete("TERC's triple: do three bits agree?", 3),
        "xor": _discrete("XOR: do two bits differ?", 2),
    }
)
"""All pairs, by the name in the address."""


def known(name: str) -> Known:
    """Look a pair up.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in DISTRIBUTIONS:
        raise UnknownNameError("pair of variables", name, DISTRIBUTIONS)
    return DISTRIBUTIONS[name]
