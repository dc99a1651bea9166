"""What networks answer: a tensor, or tuples and dictionaries of tensors."""

from math import isnan
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_leaves


def tensors_of(answer: Any) -> list[Tensor]:
    """Return the tensors of an answer; those of a dataclass as well."""
    held = [vars(leaf) if hasattr(leaf, "__dataclass_fields__") else leaf for leaf in tree_leaves(answer)]
    return [leaf for leaf in tree_leaves(held) if isinstance(leaf, Tensor)]


def largest_difference(given: Any, wanted: Any) -> float:
    """Return max |given - wanted| / max(1, max |wanted|) over all tensors of two answers; infinite if they differ in
    kind, and not a number where one of them holds such."""
    pairs = list(zip(tensors_of(given), tensors_of(wanted), strict=False))
    if len(tensors_of(given)) != len(pairs) or any(one.shape != other.shape for one, other in pairs):
        return float("inf")
    found = [0.0]
    for one, other in pairs:
        if other.numel() and not _both_infinite(one, other):
            gap = (one.to(other.dtype) - other).abs().max().double()
            found.append((gap / other.abs().max().double().clamp(min=1)).item())
    return max(found, key=lambda each: float("inf") if isnan(each) else each)


def _both_infinite(one: Tensor, other: Tensor) -> bool:
    return not other.isfinite().all() and bool((one == other).all())
