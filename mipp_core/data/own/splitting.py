"""Splits labelled images by a seed: the same share of each class to test on, the rest to train on."""

import torch
from jaxtyping import Int
from torch import Tensor


def split(labels: Int[Tensor, " n"], share: float, seed: int) -> tuple[Int[Tensor, " a"], Int[Tensor, " b"]]:
    """Return the positions to train on and to test on, each in their own order.

    Args:
        labels: class indices; at least two images of each class.
        share: of each class that is tested on, in (0, 1); at least one image of each class is on either side.
        seed: the only source of randomness.
    """
    generator = torch.Generator().manual_seed(seed)
    tested = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        mine = (labels == label).nonzero().squeeze(1)
        count = min(max(round(share * len(mine)), 1), len(mine) - 1)
        tested[mine[torch.randperm(len(mine), generator=generator)[:count]]] = True
    return (~tested).nonzero().squeeze(1), tested.nonzero().squeeze(1)


def shuffled(places: Int[Tensor, " k"], seed: int = 0) -> Int[Tensor, " k"]:
    """Return the positions in mixed order, so that any part of them has mixed classes."""
    return places[torch.randperm(len(places), generator=torch.Generator().manual_seed(seed))]
