"""Choices of pixels: the first of a ranking, what two choices have in common, and when a pixel is gone."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mipp_core.errors import SettingError

Keep = Bool[Tensor, " pixels"]
"""One boolean per pixel (per channel, row and column), True = keep."""

Scores = Float[Tensor, " pixels"]
"""One number per pixel; the larger, the more it matters."""


def order_of(scores: Scores) -> list[int]:
    """Return the pixels from the largest score to the smallest; of equal ones the first in the image comes first."""
    order: list[int] = scores.argsort(descending=True, stable=True).tolist()
    return order


def top(order: Sequence[int], count: int) -> Keep:
    """Keep the first pixels of a ranking.

    Args:
        order: all pixels, the one that matters most first.
        count: how many to keep, 0 to all.

    Raises:
        SettingError: there are not so many pixels.
    """
    if not 0 <= count <= len(order):
        raise SettingError(f"{count} of {len(order)} pixels cannot be kept; give 0 to {len(order)}.")
    keep = torch.zeros(len(order), dtype=torch.bool)
    keep[list(order[:count])] = True
    return keep


def in_common(first: Keep, second: Keep) -> float | None:
    """Return the share of the first choice's pixels that the second has too, in [0, 1]; None if the first is empty.

    Of two choices of k among n pixels, one of them at random, k/n are in common on average.
    """
    kept = int(first.sum())
    return int((first & second).sum()) / kept if kept else None


def together(keep: Keep, shape: Sequence[int]) -> float | None:
    """Return how close kept pixels lie: the share of their neighbours that are kept too, in [0, 1]; None if none is.

    Neighbours are above, below, left and right, inside the image; of pixels at random the share kept is their density.

    Args:
        keep: the choice.
        shape: channels, rows and columns of the image.
    """
    image = keep.view(*shape)
    down, across = (image[:, :-1], image[:, 1:]), (image[..., :-1], image[..., 1:])
    pairs = sum(int((one & other).sum()) for one, other in (down, across))
    ends = sum(int(one.sum() + other.sum()) for one, other in (down, across))
    return 2 * pairs / ends if ends else None


def gone_from(levels: Sequence[Keep]) -> list[int]:
    """Return for every pixel the level from which on it is gone for good: 0 if never kept, their number if to the end.

    Args:
        levels: what each level keeps, lowest first; at least one.
    """
    kept = torch.stack(list(levels))
    last = torch.arange(1, len(kept) + 1)[:, None] * kept
    gone: list[int] = last.max(0).values.tolist()
    return gone


def returned(levels: Sequence[Keep]) -> int:
    """Count the pixels that some level removes and the level after it keeps again."""
    back = [after & ~before for before, after in pairwise(levels)]
    return int(torch.stack(back).any(0).sum()) if back else 0
