"""MIPP in the exact toy: which of its four hidden units it keeps, for every data set.

Whole units go, so a mask has four bits.  There are only sixteen sets of units that may be left: what each of them still
tells is computed once per data set, and every decision is then read off.  A data set's points are all there is, each
equally likely, so nothing is held out: means over the points are what estimates elsewhere stand for.

MIPP's target is what the next layer reads out, the one output, before any threshold: it never sees a label.  So at
initialisation its masks can only tell which corners were drawn (log2 28 = 4.8 bits), not how they are labelled; after
training the weights have seen the labels, and the masks can carry them.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mipp_core.information import quantiles
from mipp_core.information.verdict import FREE
from mipp_core.limits.toy import UNITS, Cases, Networks, parts
from mipp_core.pruners import ClosedForm

SETS = 2**UNITS
"""Sets of hidden units; bit u of a set's number says whether unit u is in it."""

Lost = Float[Tensor, "data_sets sets"]
Masks = Int[Tensor, "data_sets points"]
"""Numbers of the sets that are kept, at every point of a sweep."""


def hidden(networks: Networks, cases: Cases) -> Float[Tensor, "data_sets n units"]:
    """Return what the next layer reads."""
    weights, biases, _, _ = parts(networks)
    return (cases.points @ weights.mT + biases.unsqueeze(-2)).relu()


def is_in() -> Bool[Tensor, "sets units"]:
    """Return which units are in which set."""
    return torch.tensor([[bool(number >> unit & 1) for unit in range(UNITS)] for number in range(SETS)])


def lost_in_closed_form(networks: Networks, cases: Cases) -> Lost:
    """Return what the best linear read-out of each set loses of the output, as a share of the output's variance.

    Where the output never varies nothing can be lost.
    """
    read = hidden(networks, cases)
    read = read - read.mean(1, keepdim=True)
    target = (read @ parts(networks)[2].unsqueeze(-1)).squeeze(-1)
    variance = target.square().mean(-1)
    found = []
    for members in is_in():
        columns = read * members
        rest = target - (columns @ torch.linalg.pinv(columns) @ target.unsqueeze(-1)).squeeze(-1)
        found.append(rest.square().mean(-1))
    shares = torch.stack(found, -1) / variance.clamp_min(1e-300).unsqueeze(-1)
    return torch.where(variance.unsqueeze(-1) > _STILL, shares, 0.0)


_STILL = 1e-24
"""An output of this variance or less never varies: the rest is rounding."""


def masks_in_closed_form(lost: Lost, confidences: tuple[float, ...]) -> Masks:
    """Return the set that MIPP in closed form keeps at every confidence: the cheapest unit goes until that is too much.

    With the settings that ``mipp_core.pruners.closed_form`` has by itself, of which this is a fast case.

    Args:
        lost: share of the output's variance that is lost with each set of units.
        confidences: ascending, each in [0.5, 1).
    """
    path, after = _greedy(lost)
    steps = torch.stack([(after <= each).sum(-1) for each in allowed(confidences)], -1)
    return path.gather(-1, steps)


def allowed(confidences: tuple[float, ...]) -> Float[Tensor, " levels"]:
    """Return the share of the output's variance that may be lost at each confidence (``information.verdict``)."""
    usual, squares = ClosedForm(), quantiles(confidences).double().square()
    room = usual.estimate_size - 2 * squares
    return torch.where(room > 0, 4 * usual.noise * squares / room, torch.inf).clamp_min(FREE)


def _greedy(lost: Lost) -> tuple[Int[Tensor, "data_sets sets_on_path"], Float[Tensor, "data_sets steps"]]:
    """Return the sets along every data set's path from all units to none, and what they lose; of equals the first."""
    here = torch.full((len(lost),), SETS - 1)
    sets, after = [here], list[Tensor]()
    for _ in range(UNITS):
        without = here.unsqueeze(-1) & ~(1 << torch.arange(UNITS))
        costs = lost.gather(-1, without).masked_fill(without == here.unsqueeze(-1), torch.inf)
        costs = torch.where(costs < costs.amin(-1, keepdim=True) + _TIE, costs.amin(-1, keepdim=True), costs)
        chosen = (costs == costs.amin(-1, keepdim=True)).int().argmax(-1, keepdim=True)
        here = without.gather(-1, chosen).squeeze(-1)
        sets.append(here)
        after.append(lost.gather(-1, here.unsqueeze(-1)).squeeze(-1))
    return torch.stack(sets, -1), torch.stack(after, -1)


_TIE = 1e-12


def masks_by_perceptrons(lost: Float[Tensor, "members data_sets sets"], confidences: tuple[float, ...]) -> Masks:
    """Return the set that MIPP with regressors keeps at every confidence.

    Units are tested once each, those that tell least by themselves first.  A unit stays iff what its removal adds to
    the regressors' loss, on average over members, exceeds z_x standard errors; the reference is the set that is
    retained by then (``control``).

    Args:
        lost: each member's loss with each set of units.
        confidences: ascending, each in [0.5, 1).
    """
    members = len(lost)
    alone = lost.mean(0)[:, [1 << unit for unit in range(UNITS)]]
    order = alone.argsort(dim=-1, descending=True, stable=True)
    kept = []
    for z in quantiles(confidences):
        here = torch.full((lost.shape[1],), SETS - 1)
        for unit in order.unbind(-1):
            without = here & ~(1 << unit)
            gains = _at(lost, without) - _at(lost, here)
            error = gains.std(0) / members**0.5
            here = torch.where(gains.mean(0) > z * error + FREE, here, without)
        kept.append(here)
    return torch.stack(kept, -1)


def _at(lost: Float[Tensor, "members data_sets sets"], sets: Int[Tensor, " data_sets"]) -> Tensor:
    return lost.gather(-1, sets.expand(len(lost), -1).unsqueeze(-1)).squeeze(-1)
