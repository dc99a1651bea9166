"""What a file says about a tensor, before any memory is allocated for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mipp_core.errors import DataError

LARGEST_FILE = 1 << 30
"""Most bytes of a checkpoint; the weights of VGG16 for ImageNet take half of that."""

LARGEST_HEADER = 1 << 20
"""Most bytes of the part that describes the tensors; a network of 150 layers takes 100 KB."""

_LONGEST_NAME = 60
_MOST_DIMENSIONS = 8
_LARGEST_SIZE = 1 << 63


@dataclass(frozen=True)
class Stored:
    """A tensor in a file.

    Attributes:
        dtype: of its elements.
        shape: its sizes; the file has been checked to hold that many elements.
        read: makes the tensor, on the cpu, in memory of its own.
    """

    dtype: torch.dtype
    shape: tuple[int, ...]
    read: Callable[[], Tensor]


def refused(why: str, remedy: str = "save the network's state dict again as safetensors and upload that") -> DataError:
    """Return the error that says why a file is not read, and what to do."""
    return DataError(f"This file is not read: {why}; {remedy}.")


def check_size(size: int) -> None:
    """Refuse a file that is too large or empty.

    Raises:
        DataError: says the size and the limit.
    """
    if size > LARGEST_FILE:
        raise refused(f"it has {size} bytes, and the limit is {LARGEST_FILE}", "save only the weights")
    if size == 0:
        raise refused("it is empty")


def shown(name: object) -> str:
    """Return a name from a file for use in a message: short, on one line, in quotes."""
    text = str(name)
    return repr(text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…")


def sizes(values: object) -> tuple[int, ...]:
    """Return sizes or strides from a file.

    Raises:
        DataError: they are not a few whole numbers of at least 0 that 64 bits can hold.
    """
    if not isinstance(values, list | tuple) or len(values) > _MOST_DIMENSIONS or not all(map(is_size, values)):
        raise refused(f"it states the sizes {shown(_few(values))}, which no tensor has")
    return tuple(values)


def is_size(value: object) -> bool:
    """Tell whether a value from a file is a whole number of at least 0 that 64 bits can hold."""
    return type(value) is int and 0 <= value < _LARGEST_SIZE  # True and False are instances of int


def _few(values: object) -> object:
    return values[: _MOST_DIMENSIONS + 1] if isinstance(values, Sequence) else type(values).__name__


def from_bytes(content: bytes, dtype: torch.dtype) -> Tensor:
    """Return the numbers in little-endian bytes, at least one, as a flat tensor."""
    return torch.frombuffer(bytearray(content), dtype=dtype)  # a copy, because PyTorch warns about read-only memory
