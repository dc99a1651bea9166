"""Where to cut a layer's order: how many units to keep, from its CMI curve (arXiv 2411.18578).

All three rules look at the *values* CMI_0 >= CMI_1 >= ... that ``mipp_core.information.ordering`` gives, in bits.

* Scree: the curve bends where the drop that a unit brings is much larger than the drop of the next.  The ratio of the
  two is largest there.
* X-means: units fall into groups by the CMI that is left after them; the group with the least is removed.
* Permutation: units are kept for as long as the rest tells more of the labels than a rest would whose samples have
  been shuffled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, pi

import torch
from jaxtyping import Float
from torch import Tensor

NOISE = 1e-3
"""Drops below this share of the whole curve's count as this share, so that no ratio rests on noise alone."""


_MOST_GROUPS = 10
"""Groups that X-means considers at most."""


@dataclass(frozen=True)
class Bend:
    """A place to cut.

    Attributes:
        kept: units kept, at least 1.
        ratio: the drop that the last kept unit brings, over the drop of the next.
    """

    kept: int
    ratio: float


def scree(conditional: Sequence[float]) -> list[Bend]:
    """Return all places to cut, the sharpest bend first; of equals, the one that keeps fewer units.

    Keeping every unit is not among them: there is no next drop.  A layer of one unit has no bend.

    Args:
        conditional: CMI before the first pick and after each, in bits.
    """
    floor = NOISE * max(conditional[0] - conditional[-1], 0) or NOISE
    drops = [max(before - after, floor) for before, after in pairwise(conditional)]
    bends = [Bend(kept, here / after) for kept, (here, after) in enumerate(pairwise(drops), 1)]
    return sorted(bends, key=lambda bend: (-bend.ratio, bend.kept))


def x_means(conditional: Sequence[float]) -> int:
    """Return how many units to keep: all but the group with the least CMI; all, where there is one group.

    The number of groups is the one with the largest Bayesian information criterion of normal distributions with one
    common variance (Pelleg and Moore 2000).  Groups of sorted numbers are intervals, so for every number of groups the
    best division is found exactly, where X-means on points in space would only try to halve groups.

    Args:
        conditional: CMI before the first pick and after each, in bits; each unit is given the CMI before it.
    """
    values = torch.tensor(sorted(conditional[:-1], reverse=True), dtype=torch.double)
    divisions = [_divided(values, groups) for groups in range(1, min(_MOST_GROUPS, len(values) - 1) + 1)]
    if not divisions:
        return len(values)
    best = max(divisions, key=lambda starts: _criterion(values, starts))
    return best[-1] or len(values)


def _scatters(values: Float[Tensor, " n"]) -> Float[Tensor, "n n"]:
    """Return the squared deviations from their mean of values[i] to values[j], added up; infinite for j before i."""
    count = len(values)
    zero = values.new_zeros(1)
    sums = torch.cat([zero, (values - values.mean()).cumsum(0)])
    squares = torch.cat([zero, (values - values.mean()).square().cumsum(0)])
    lengths = torch.arange(1, count + 1)[None, :] - torch.arange(count)[:, None]
    total = squares[None, 1:] - squares[:-1, None] - (sums[None, 1:] - sums[:-1, None]).square() / lengths.clamp_min(1)
    return torch.where(lengths > 0, total.clamp_min(0), torch.inf)


def _divided(values: Float[Tensor, " n"], groups: int) -> list[int]:
    """Return where each of so many groups begins, so that they scatter least."""
    scatter = _scatters(values)
    best, begins = scatter[0], []
    for _ in range(groups - 1):
        costs = best[:-1, None] + scatter[1:]  # [end of those before, end of the next]
        begins.append(costs.argmin(0) + 1)
        best = costs.min(0).values
    starts, end = [], len(values) - 1
    for begin in reversed(begins):
        starts.append(int(begin[end]))
        end = starts[-1] - 1
    return [0, *reversed(starts)]


def _criterion(values: Float[Tensor, " n"], starts: Sequence[int]) -> float:
    """Return the Bayesian information criterion of groups that begin at these places; larger is better."""
    count, kinds = len(values), len(starts)
    groups = [values[start:end] for start, end in zip(starts, [*starts[1:], count], strict=True)]
    scatter = sum((group - group.mean()).square().sum().item() for group in groups)
    variance = max(scatter / (count - kinds), 1e-18)
    shares = sum(len(group) * log(len(group) / count) for group in groups)
    return shares - count / 2 * log(2 * pi * variance) - (count - kinds) / 2 - kinds * log(count)


def permutation(
    rest_tells: Callable[[int, Tensor], float],
    units: int,
    samples: int,
    shuffles: int,
    level: float,
    generator: torch.Generator,
) -> int:
    """Return how many units to keep, at least 1: the first number after which the rest tells nothing significant.

    The rest is significant when at most the share ``level`` of shuffled rests tells as much.

    Args:
        rest_tells: CMI in bits of the units after the first k, with their samples in the given order.
        units: the layer's width.
        samples: n.
        shuffles: how many orders are drawn at every k.
        level: significance level, in (0, 1).
        generator: draws the orders.
    """
    as_it_is = torch.arange(samples)
    for kept in range(units):
        found = rest_tells(kept, as_it_is)
        drawn = (rest_tells(kept, torch.randperm(samples, generator=generator)) for _ in range(shuffles))
        if sum(other >= found for other in drawn) > level * shuffles:
            return max(kept, 1)
    return units


def product_after(kernels: Float[Tensor, "units n n"], order: Sequence[int]) -> list[Float[Tensor, "n n"]]:
    """Return, for every k, the product of the kernels of all units after the first k of the order."""
    found = [torch.ones_like(kernels[0])]
    for unit in reversed(order):
        found.append(found[-1] * kernels[unit])
    return found[::-1]
