"""Bits in masks: exactly, where every data set can be tried; and the most that masks of some size can carry."""

from math import comb, log2

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def entropy_bits(masks: Int[Tensor, " data_sets"]) -> float:
    """Return the entropy of masks in bits, where every data set is equally likely.

    Given the initial weights a mask follows from the data, H(mask | data, init) = 0, so this is I(mask; data | init).

    Args:
        masks: one number per data set; equal masks have equal numbers.
    """
    counts = masks.unique(return_counts=True)[1].double()
    shares = counts / counts.sum()
    return max(0.0, -(shares * shares.log2()).sum().item())


def bound_bits(parameters: int, pruned: int) -> float:
    """Return log2 of the number of masks that keep so many parameters: no mask of that size carries more bits."""
    return log2(comb(parameters, pruned))


def codes_along(order: Int[Tensor, "*networks parameters"]) -> Int[Tensor, "*networks steps"]:
    """Return a number for the mask after every step, from none to all parameters pruned.

    Args:
        order: the parameters, the first one to go first; at most 62 of them.
    """
    gone = torch.bitwise_left_shift(torch.ones_like(order), order).cumsum(-1)
    return torch.cat([torch.zeros_like(gone[..., :1]), gone], -1)


def mask_of(code: int, parameters: int) -> Bool[Tensor, " parameters"]:
    """Return the keep-mask that a number stands for."""
    return torch.tensor([not code >> place & 1 for place in range(parameters)])
