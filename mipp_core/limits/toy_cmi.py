"""CMI pruning in the exact toy: which of its four hidden units it picks first, for every data set.

Unlike MIPP it looks at the labels, so its masks can carry them before any training.
"""

from math import log2

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mipp_core.information.ordering import TIE
from mipp_core.information.renyi import entropy, gaussian, squared_distances, squared_widths
from mipp_core.limits.toy import UNITS, Cases, Networks
from mipp_core.limits.toy_units import hidden, is_in

Known = Float[Tensor, "data_sets sets"]


def masks_by_cmi(networks: Networks, cases: Cases) -> Int[Tensor, "data_sets kept"]:
    """Return the first 0 to 4 units of the order by conditional mutual information with the labels (alpha = 2).

    It orders as ``mipp_core.information.ordering`` does with kernels of the width ``shared``, of which this is a fast
    case.
    """
    read = hidden(networks, cases)
    maps = read.mT.flatten(0, 1).unsqueeze(-1)
    distances = squared_distances(maps)
    kernels = gaussian(distances, squared_widths(distances, 1, "shared", together=UNITS)).unflatten(0, (-1, UNITS))
    same = (cases.labels.unsqueeze(-1) == cases.labels.unsqueeze(-2)).double()
    products = torch.stack([_product(kernels, members) for members in is_in()], 1)
    alone, together = entropy(products, 2.0), entropy(products * same.unsqueeze(1), 2.0)
    known, joint = alone - together, torch.minimum(alone, together)
    return _upward(known, joint, log2(cases.points.shape[1]))


def _product(kernels: Float[Tensor, "data_sets units n n"], members: Bool[Tensor, " units"]) -> Tensor:
    return torch.where(members[:, None, None], kernels, 1.0).prod(1)


def _upward(known: Known, joint: Known, most: float) -> Int[Tensor, "data_sets kept"]:
    """Return the sets along every path from no unit to all, always with the unit that tells most more.

    Where several would tell as much, the one that tells most by itself goes first; so where the joint entropy is full.
    """
    bits = 1 << torch.arange(UNITS)
    first = known[:, bits]
    here = torch.zeros(len(known), dtype=torch.long)
    sets = [here]
    for _ in range(UNITS):
        more = here.unsqueeze(-1) | bits
        taken = more == here.unsqueeze(-1)
        gains = known.gather(-1, more)
        is_full = joint.gather(-1, here.unsqueeze(-1)) > most - TIE
        gains = torch.where(is_full, first, gains).masked_fill(taken, -torch.inf)
        best = gains >= gains.amax(-1, keepdim=True) - TIE
        chosen = first.masked_fill(~best, -torch.inf).argmax(-1, keepdim=True)
        here = more.gather(-1, chosen).squeeze(-1)
        sets.append(here)
    return torch.stack(sets, -1)
