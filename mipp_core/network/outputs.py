"""What networks answer: a tensor, or tuples and dictionaries of tensors."""

from math import isnan
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_leaves


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
        if twin.numel() and not _both_infinite(each, twin):
            gap = (each.to(twin.dtype) - twin).abs().max().double()
            found.append((gap / twin.abs().max().double().clamp(min=1)).item())
    return max(found, key=lambda each: float("inf") if isnan(each) else each)


def _both_infinite(one: Tensor, other: Tensor) -> bool:
    return not other.isfinite().all() and bool((one == other).all())
