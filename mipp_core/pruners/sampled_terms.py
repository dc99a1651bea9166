"""Splits single numbers that a layer computes into the terms that its columns add."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Sampling:
    """Which of a layer's numbers are sampled.

    Attributes:
        positions: numbers per image: random units, at random places of their maps.
        generator: on the CPU.
        batch_size: images at a time.
    """

    positions: int
    generator: torch.Generator
    batch_size: int


def sampled_terms(
    reader: nn.Conv2d | nn.Linear, read: Float[Tensor, "n ..."], how: Sampling
) -> Float[Tensor, "numbers columns"]:
    """Return what every column of a layer adds to sampled numbers of its result, without biases.

    Args:
        reader: a linear layer, or a convolution with any stride, dilation, padding and groups.
        read: what it reads.
        how: which numbers.
    """
    images = torch.arange(len(read)).repeat_interleave(how.positions)
    patches = _Rows(read) if isinstance(reader, nn.Linear) else _Windows(reader, read)
    places = torch.randint(patches.places, (len(images),), generator=how.generator)
    units = torch.randint(len(reader.weight), (len(images),), generator=how.generator)
    return patches.at(images, places) * _weights(reader, units)


def _weights(reader: nn.Conv2d | nn.Linear, units: Int[Tensor, " numbers"]) -> Float[Tensor, "numbers columns"]:
    """Return the weights of some units on all columns; they are 0 on the columns of other groups."""
    rows, groups = reader.weight.flatten(1)[units], getattr(reader, "groups", 1)
    if groups == 1:
        return rows
    whole = rows.new_zeros(len(rows), groups, rows.shape[1])
    whole[torch.arange(len(rows)), units // (len(reader.weight) // groups)] = rows
    return whole.flatten(1)


class _Rows:
    """What a linear layer reads: a row of numbers at each place."""

    def __init__(self, read: Float[Tensor, "n ... columns"]) -> None:
        self._read = read.reshape(len(read), -1, read.shape[-1])
        self.places = self._read.shape[1]

    def at(self, images: Tensor, places: Tensor) -> Float[Tensor, "numbers columns"]:
        """Return the rows at some places of some images."""
        return self._read[images, places]


class _Windows:
    """What a convolution reads: a window of its kernel's size at each place; only the requested ones are copied."""

    def __init__(self, conv: nn.Conv2d, read: Float[Tensor, "n c h w"]) -> None:
        mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
        self._conv, self._read = conv, functional.pad(read, _margins(conv), mode)
        high, self._wide = (
            (size - reach - 1) // step + 1
            for size, reach, step in zip(self._read.shape[2:], _reaches(conv), conv.stride, strict=True)
        )
        self.places = high * self._wide

    def at(self, images: Tensor, places: Tensor) -> Float[Tensor, "numbers columns"]:
        """Return the windows at some places of some images, channel by channel."""
        rows, columns = (
            (corner * step)[:, None] + dilation * torch.arange(size)
            for corner, step, dilation, size in zip(
                (places // self._wide, places % self._wide),
                self._conv.stride,
                self._conv.dilation,
                self._conv.kernel_size,
                strict=True,
            )
        )
        found = self._read[images[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        return found.movedim(3, 1).flatten(1)


def _reaches(conv: nn.Conv2d) -> list[int]:
    """Return how far a window's last row and column are from its first ones."""
    return [step * (size - 1) for step, size in zip(conv.dilation, conv.kernel_size, strict=True)]


def _margins(conv: nn.Conv2d) -> list[int]:
    """Return the padding at the left, right, top and bottom."""
    if not isinstance(conv.padding, str):
        return [margin for margin in reversed(conv.padding) for _ in range(2)]
    totals = _reaches(conv) if conv.padding == "same" else [0, 0]
    return [margin for total in reversed(totals) for margin in (total // 2, total - total // 2)]
