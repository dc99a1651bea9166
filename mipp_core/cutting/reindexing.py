"""Joints between cut layers: give a reader the channels it wants where it was left with others."""

import torch
from jaxtyping import Int
from torch import Tensor, nn


class Reindex(nn.Module):
    """Take a tensor of some channels of a space, and return one of other channels; those it lacks are 0.

    Args:
        has: numbers of the channels that are there, ascending.
        wants: numbers of the channels that are asked for, ascending.
        dim: along which they lie, counted from the end.
        spread: each channel is several numbers in a row.
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
        """Return the channels that are asked for."""
        if self._spread:
            return self._reindexed(read.unflatten(self._dim, (self._has, -1)), self._dim - 1).flatten(self._dim - 1)
        return self._reindexed(read, self._dim)

    def _reindexed(self, read: Tensor, dim: int) -> Tensor:
        shape = list(read.shape)
        shape[dim] = self._wants
        return read.new_zeros(shape).index_copy(dim, self._placed, read.index_select(dim, self._taken))
