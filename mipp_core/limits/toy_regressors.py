"""How well small perceptrons rebuild the toy's output from every set of its hidden units, all at once.

One regressor per data set, set of units and member: two hidden layers, Adam with its rate falling to 0, full batches,
standardised numbers.  Members differ in their initial weights, which are the same for all data sets, so that a mask
follows from the data alone.  A unit outside the set is read as 0, its mean.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.limits.toy import UNITS, Cases, Networks, parts
from mipp_core.limits.toy_units import SETS, hidden, is_in
from mipp_core.vocabulary import Progress, Report, silent


@dataclass(frozen=True)
class Regressors:
    """How they are trained.

    Attributes:
        members: estimates per set, at least 2.
        width: of both hidden layers.
        steps: of Adam on all points.
        rate: of learning at the start.
        seed: of the initial weights.
    """

    members: int = 3
    width: int = 8
    steps: int = 200
    rate: float = 0.02
    seed: int = 0


def losses(
    networks: Networks, cases: Cases, how: Regressors | None = None, report: Report = silent
) -> Float[Tensor, "members data_sets sets"]:
    """Return each regressor's squared error at the end, as a share of the output's variance.

    Args:
        networks: one per data set.
        cases: the data sets.
        how: they are trained; the usual way by default.
        report: called per set; may raise ``CancelledError``.
    """
    how = how or Regressors()
    read, target = _standardised(networks, cases)
    found = []
    for number, members in enumerate(is_in()):
        report(Progress("Training regressors", number / SETS))
        found.append(_final(read * members, target, how))
    return torch.stack(found, -1)


def _standardised(networks: Networks, cases: Cases) -> tuple[Float[Tensor, "d n 4"], Float[Tensor, "d n 1"]]:
    """Return what is read and what is to be rebuilt, each with mean 0 and variance 1, or 0 where it never varies."""
    read = hidden(networks, cases)
    target = read @ parts(networks)[2].unsqueeze(-1)
    return _scaled(read), _scaled(target)


def _scaled(values: Float[Tensor, "d n k"]) -> Float[Tensor, "d n k"]:
    centred = values - values.mean(1, keepdim=True)
    deviation = centred.square().mean(1, keepdim=True).sqrt()
    return torch.where(deviation > _STILL, centred / deviation.clamp_min(_STILL), 0.0).float()


_STILL = 1e-12


def _final(read: Float[Tensor, "d n 4"], target: Float[Tensor, "d n 1"], how: Regressors) -> Float[Tensor, "members d"]:
    """Train one regressor per member and data set on one set of units; return their last losses."""
    sizes = (UNITS, how.width, how.width, 1)
    generator = torch.Generator().manual_seed(how.seed)
    weights = [
        torch.randn(how.members, 1, before, after, generator=generator).mul(before**-0.5).repeat(1, len(read), 1, 1)
        for before, after in pairwise(sizes)
    ]
    weights += [torch.zeros(how.members, len(read), 1, after) for after in sizes[1:]]
    weights = [each.flatten(0, 1).requires_grad_() for each in weights]
    read, target = (each.repeat(how.members, 1, 1) for each in (read, target))
    optimiser = torch.optim.Adam(weights, how.rate, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, max(1, how.steps))
    for _ in range(how.steps):
        optimiser.zero_grad()
        _errors(weights, read, target).sum().backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return _errors(weights, read, target).unflatten(0, (how.members, -1)).double()


def _errors(weights: list[Tensor], read: Tensor, target: Tensor) -> Float[Tensor, " regressors"]:
    here = read
    for place in range(3):
        here = torch.baddbmm(weights[3 + place], here, weights[place])
        here = here.relu() if place < 2 else here
    return (here - target).square().mean((1, 2))
