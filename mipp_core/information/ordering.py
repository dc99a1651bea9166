"""A layer's units in the order in which they add most to what is known of the labels (arXiv 2411.18578).

Greedily, the next unit is the one with the largest I(labels; given, chosen, unit), where *given* is what the order is
conditioned on: nothing, or units of other layers.  After k units,

    CMI_k = I(labels; rest | given, chosen) = I(labels; given, all) - I(labels; given, chosen),

so one curve tells both.  CMI_0 is what the whole layer adds to what is given; CMI after the last unit is 0.

Cost.  All candidates share the product of the chosen kernels.  For alpha = 2 the entropies of all candidates are two
products of one matrix with a vector (``mipp_core.information.squares``).  For any other alpha each needs the
eigenvalues of a matrix of n x n (``mipp_core.information.spectra``).  Where candidates differ by rounding only, as all
do when the joint entropies are full to the last bit, the one that tells most as the first pick comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log2
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.information.renyi import SATURATED, entropy, same
from mipp_core.information.spectra import Spectra
from mipp_core.information.squares import Squares

TIE = 1e-9
"""Bits: smaller differences are errors of rounding."""


@dataclass(frozen=True)
class Ordering:
    """A layer's units in order; every curve has one value more than there are units: before the first pick too.

    Attributes:
        order: the units, most informative first.
        mutual: I(labels; given, first k units) in bits.
        joint: entropy of what is given and the first k units together, in bits.
        samples: n; no entropy exceeds log2(n).
    """

    order: tuple[int, ...]
    mutual: tuple[float, ...]
    joint: tuple[float, ...]
    samples: int

    @property
    def conditional(self) -> tuple[float, ...]:
        """CMI_k = I(labels; units after the first k | given, first k units) in bits; see the module's text."""
        return tuple(self.mutual[-1] - known for known in self.mutual)

    def renamed(self, living: Sequence[int], still: Sequence[int]) -> "Ordering":
        """Return the order under other numbers, followed by units that never vary and so add nothing.

        Args:
            living: the new number of each unit.
            still: numbers of the units that follow.
        """
        order = (*(living[unit] for unit in self.order), *still)
        after = len(still)
        return Ordering(
            order, self.mutual + self.mutual[-1:] * after, self.joint + self.joint[-1:] * after, self.samples
        )

    @property
    def most(self) -> float:
        """The largest joint entropy that so many samples can show, in bits."""
        return log2(self.samples)

    @cached_property
    def saturated_at(self) -> int | None:
        """Number of picks after which the joint entropy is within 1% of log2(n); None if it never is.

        From there on candidates can hardly be told apart, and their order means little.
        """
        reached = (picks for picks, held in enumerate(self.joint) if held >= SATURATED * self.most)
        return next(reached, None)

    @property
    def saturation(self) -> str:
        """Whether candidates could be told apart to the end, in words."""
        limit, picks = f"log2({self.samples}) = {self.most:.2f} bits", self.saturated_at
        if picks is None:
            return f"The joint entropy stays more than 1% below its limit, {limit}: candidates can be told apart."
        return (
            f"The joint entropy has come within 1% of its limit, {limit}, after {picks} pick{'s' * (picks != 1)}: from "
            "there on candidates can hardly be told apart. Wider kernels (width=shared), pooled maps (pooled=2) or "
            "more samples would tell them apart."
        )


class Judge(Protocol):
    """Measures what products of kernels tell of the labels, in bits."""

    def known(self) -> tuple[float, float]:
        """Return the joint entropy of what is given and chosen, without and with the labels."""

    def gains(self, left: list[int]) -> Float[Tensor, " left"]:
        """Return what would be known of the labels with each candidate, up to a constant."""

    def choose(self, unit: int) -> None:
        """Add a unit to what is chosen."""


def ordered(
    kernels: Float[Tensor, "units n n"],
    labels: Int[Tensor, " n"] | Float[Tensor, "n n"],
    alpha: float,
    given: Float[Tensor, "n n"] | None = None,
) -> Ordering:
    """Order a layer's units.

    Args:
        kernels: of the units.
        labels: classes, which are then told apart exactly, or a kernel of theirs.
        alpha: order of the entropy, above 0.
        given: product of the kernels that the order is conditioned on; None for none.
    """
    units, n = kernels.shape[:2]
    target = same(labels) if labels.ndim == 1 else labels
    start = torch.ones_like(target) if given is None else given
    judge: Judge = Squares(kernels, target, start) if alpha == 2 else Spectra(kernels, labels, start, alpha)
    held, left, order = [judge.known()], list(range(units)), list[int]()
    first = judge.gains(left) if left else torch.zeros(0)
    while left:
        full = min(held[-1]) > log2(n) - TIE
        gains = first[left] if full or not order else judge.gains(left)
        unit = left[_best(gains, first[left])]
        judge.choose(unit)
        left.remove(unit)
        order.append(unit)
        held.append(judge.known())
    labelled = entropy(target, alpha).item()
    mutual = tuple(max(labelled + alone - together, 0.0) for alone, together in held)
    return Ordering(tuple(order), mutual, tuple(alone for alone, _ in held), n)


def _best(gains: Float[Tensor, " k"], first: Float[Tensor, " k"]) -> int:
    """Return the place of the largest gain; where they differ by rounding only, of the largest as the first pick."""
    return int(first.masked_fill(gains < gains.max() - TIE, -torch.inf).argmax())
