"""Modules between cut layers: they give a reader the channels it needs where the cut has left other ones."""

import torch
from jaxtyping import Int
from torch import Tensor, nn


class Reindex(nn.Module):
    """Turn a tensor with some of a space's channels into one with other channels; missing ones are 0.

    Args:
        has: indices of the channels that are there, ascending.
        wants: indices of the channels that are needed, ascending.
        dim: the dimension they lie along, counted from the end.
        spread: each channel is several consecutive numbers.
    """

    _taken: Tensor
    _placed: Tensor

    def __init__(self, has: Int[Tensor, " has"], wants: Int[Tensor, " wants"], dim: int, spread: bool = False) -> None:
        super().__init__()
        shared = torch.isin(has, wants)
        self._dim, self._wants, self._has, self._spread = dim, len(wants), len(has), spread
        self.register_buffer("_taken", shared.nonzero().flatten(), persistent=False)
        self.register_buffer("_placed", torch.searchsorted(wants, has[shared]), persistent=False)

    def forward(self, read: Tensor) -> Tensor:
        """Return the channels that are needed."""
        if self._spread:
            return self._reindexed(read.unflatten(self._dim, (self._has, -1)), self._dim - 1).flatten(self._dim - 1)
        return self._reindexed(read, self._dim)

    def _reindexed(self, read: Tensor, dim: int) -> Tensor:
        shape = list(read.shape)
        shape[dim] = self._wants
        return read.new_zeros(shape).index_copy(dim, self._placed, read.index_select(dim, self._taken))
