"""Draws samples evenly from the classes, using only labels: no image is needed."""

import torch
from jaxtyping import Int
from torch import Tensor

from mipp_core.errors import SettingError


def stratified_index(labels: Int[Tensor, " n"], count: int, generator: torch.Generator) -> Int[Tensor, " k"]:
    """Draw positions without replacement, equally many of each class where possible.

    Args:
        labels: class indices, on any device.
        count: how many, at least 1; all are returned if there are fewer.
        generator: on the CPU; the only source of randomness.

    Returns:
        Positions in ``labels`` on its device, in random order, so that any part of them has mixed classes.

    Raises:
        SettingError: the count is below 1.
    """
    if count < 1:
        raise SettingError(f"A draw of {count} samples is empty; ask for at least 1.")
    order = torch.randperm(len(labels), generator=generator)
    shuffled = labels.cpu()[order]
    rank = torch.empty_like(order)
    for label in shuffled.unique():
        of_class = (shuffled == label).nonzero().squeeze(1)
        rank[of_class] = torch.arange(len(of_class))
    drawn = rank.argsort(stable=True)[:count]
    return order[drawn[torch.randperm(len(drawn), generator=generator)]].to(labels.device)
