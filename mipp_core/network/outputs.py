"""What networks answer: a tensor, or tuples and dictionaries of tensors."""

from math import isfinite
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

ROUNDING = {torch.float32: 1e-6, torch.float64: 1e-10}
"""Number type -> the largest relative difference that counts as rounding."""


def tensors_of(answer: Any) -> list[Tensor]:
    """Return the tensors of an answer; those of a dataclass as well."""
    held = [vars(leaf) if hasattr(leaf, "__dataclass_fields__") else leaf for leaf in tree_leaves(answer)]
    return [leaf for leaf in tree_leaves(held) if isinstance(leaf, Tensor)]


def largest_difference(given: Any, wanted: Any, flat: bool = False) -> float:
    """Return max |given - wanted| / max(1, max |wanted|) over all tensors of two answers; infinite for other shapes.

    Args:
        given: an answer.
        wanted: another.
        flat: their shapes may differ, their numbers may not.
    """
    one, other = tensors_of(given), tensors_of(wanted)
    if flat:
        one, other = [each.flatten() for each in one], [each.flatten() for each in other]
    pairs = list(zip(one, other, strict=False))
    if len(one) != len(other) or any(each.shape != twin.shape for each, twin in pairs):
        return float("inf")
    found = [0.0]
    for each, twin in pairs:
        if twin.numel():
            found.append(_gap(each.to(twin.dtype), twin))
    return max(found)


def _gap(given: Tensor, wanted: Tensor) -> float:
    """Return the largest difference, relative to the largest finite number; infinite where only one is finite."""
    alike = (given == wanted) | (given.isnan() & wanted.isnan())
    gap = torch.where(alike, 0, (given - wanted).abs()).max().double()
    most = torch.where(wanted.isfinite(), wanted.abs(), 0).max().double().clamp(min=1)
    ratio = (gap / most).item()
    return ratio if isfinite(ratio) else float("inf")
