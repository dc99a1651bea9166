"""Modules between cut layers: they give a reader the channels it needs where the cut has left other ones."""

import torch
from jaxtyping import Int
from torch import Tensor, nn


class Reindex(nn.Module):
    """Turn a tensor with some of a space's channels into one with other channels; missing ones are 0.

    Args:
        has: indices of the channels that are there, ascending; of their numbers, where channels are several.
        wants: indices of the channels that are needed, ascending.
        dim: the dimension they lie along, counted from the end.
    """

    _taken: Tensor
    _placed: Tensor

    def __init__(self, has: Int[Tensor, " has"], wants: Int[Tensor, " wants"], dim: int) -> None:
        super().__init__()
        shared = torch.isin(has, wants)
        self._dim, self._wants, self._all = dim, len(wants), bool(shared.all())
        self.register_buffer("_taken", shared.nonzero().flatten(), persistent=False)
        self.register_buffer("_placed", torch.searchsorted(wants, has[shared]), persistent=False)

    def forward(self, read: Tensor) -> Tensor:
        """Return the channels that are needed."""
        shape = list(read.shape)
        shape[self._dim] = self._wants
        taken = read if self._all else read.index_select(self._dim, self._taken)
        return read.new_zeros(shape).index_copy_(self._dim, self._placed, taken)
