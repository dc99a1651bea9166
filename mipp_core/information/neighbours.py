"""Mutual information from distances to nearest neighbours (Kraskov, Stögbauer and Grassberger 2004, algorithm 1).

Around each sample lies a box that just reaches its k-th neighbour in x and y together, distances being the largest of
all coordinates' (their equation 8).  With n_x and n_y the numbers of samples that are strictly nearer in x and in y,

    I(x; y) = psi(k) + psi(n) - mean of (psi(n_x + 1) + psi(n_y + 1))        in nats, psi the digamma function.

Written here, since it is a dozen lines of PyTorch and needs no further package; the tests compare it with
scikit-learn's, which takes single numbers only.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.errors import SettingError

_AT_ONCE = 2**24  # distances: 128 MB


def neighbour_information(x: Float[Tensor, "n p"], y: Float[Tensor, "n q"], neighbours: int = 3) -> float:
    """Estimate I(x; y) in nats; not bounded by 0.

    Args:
        x: a row per sample, without ties: of discrete variables, add a little noise first.
        y: the same samples; scales matter only between the coordinates of one variable and between x and y.
        neighbours: k, at least 1 and fewer than there are samples.

    Raises:
        SettingError: there are too few samples.
    """
    n = len(x)
    if not 1 <= neighbours < n:
        raise SettingError(f"{neighbours} neighbours of {n} samples cannot be found; take 1 to {n - 1}.")
    x, y = x.double(), y.double()
    near = torch.cat([_nearer(x, y, rows, neighbours) for rows in torch.arange(n).split(max(1, _AT_ONCE // n))])
    psi = torch.digamma(torch.tensor([neighbours, n], dtype=torch.double)).sum()
    return float(psi - torch.digamma(near).sum(1).mean())


def _nearer(x: Tensor, y: Tensor, rows: Tensor, neighbours: int) -> Float[Tensor, "rows 2"]:
    """Count the samples, the sample itself among them, that are nearer in x, and in y, than the k-th neighbour."""
    far_x, far_y = (torch.cdist(each[rows], each, p=torch.inf) for each in (x, y))
    reach = torch.maximum(far_x, far_y).kthvalue(neighbours + 1, dim=1, keepdim=True).values
    return torch.stack([(far < reach).sum(1) for far in (far_x, far_y)], 1).double()
