"""Random numbers that belong to a sample, not to the order in which they are drawn.

The usual generators give numbers in sequence, so what one image gets depends on the images before it.  Here
every number is a hash of (seed, stream, sample, position), so a sample's numbers are the same alone or in any
batch.
The hash is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


def _signed(value: int) -> int:
    """Wrap an integer into 64 bits, as int64 tensors hold them."""
    return (value + 2**63) % 2**64 - 2**63


_GAMMA = _signed(0x9E3779B97F4A7C15)
_FIRST = _signed(0xBF58476D1CE4E5B9)
_SECOND = _signed(0x94D049BB133111EB)


@dataclass(frozen=True)
class RandomAccess:
    """The random numbers of a batch of samples.

    Attributes:
        keys: one 64-bit key per sample, shape [n].
    """

    keys: Int[Tensor, " n"]

    @classmethod
    def of(cls, seed: int, stream: int, index: Int[Tensor, " n"]) -> "RandomAccess":
        """Return the numbers of the samples ``index`` of one stream.

        Args:
            seed: any integer.
            stream: separates collections of samples whose indices overlap.
            index: the samples' positions in their collection, shape [n].
        """
        start = _mix(torch.tensor(_signed(seed), device=index.device))
        return cls(_mix(_mix(start + _signed(_GAMMA * (stream + 1))) + _GAMMA * (index + 1)))

    def take(self, rows: Int[Tensor, " m"]) -> "RandomAccess":
        """Return the numbers of some samples of the batch."""
        return RandomAccess(self.keys[rows])

    def bits(self, purpose: int, count: int) -> Int[Tensor, "n count"]:
        """Return ``count`` random 64-bit integers per sample; different purposes give unrelated numbers."""
        position = (purpose << 32) + 1 + torch.arange(count, device=self.keys.device)
        return _mix(self.keys.unsqueeze(1) + _GAMMA * position)

    def uniform(self, purpose: int, count: int) -> Float[Tensor, "n count"]:
        """Return ``count`` float64 numbers per sample, uniform in [0, 1)."""
        return _shift(self.bits(purpose, count), 11).double() * 2.0**-53

    def normal(self, purpose: int, count: int) -> Float[Tensor, "n count"]:
        """Return ``count`` standard normal float32 numbers per sample, within ±4.4.

        They are quantiles looked up by 16 random bits.  Unlike logarithms and cosines, whose last bit may
        depend on an element's place in the tensor, a table gives the same bits in every batch.
        """
        words = self.bits(purpose, -(-count // 4))
        levels = torch.stack([_shift(words, k) & 0xFFFF for k in (0, 16, 32, 48)], dim=2)
        middles = (torch.arange(2**16, device=words.device, dtype=torch.float64) + 0.5) / 2**16
        return torch.special.ndtri(middles).float()[levels.flatten(1)[:, :count]]


def _mix(words: Int[Tensor, "*shape"]) -> Int[Tensor, "*shape"]:
    words = (words ^ _shift(words, 30)) * _FIRST
    words = (words ^ _shift(words, 27)) * _SECOND
    return words ^ _shift(words, 31)


def _shift(words: Int[Tensor, "*shape"], places: int) -> Int[Tensor, "*shape"]:
    """Shift right and fill with zeros; ``>>`` alone would copy the sign bit."""
    return (words >> places) & _signed((1 << (64 - places)) - 1)
