"""When the device's memory does not suffice: the same work in smaller pieces."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import torch

from mipp_core.errors import ResourceNote, SettingError

Result = TypeVar("Result")


def halving(work: Callable[[int], Result], size: int, pieces: str) -> Result:
    """Do some work in pieces of a size; where memory does not suffice, in pieces of half of it, and so on.

    Args:
        work: takes the size of a piece; may be called again from the start.
        size: to begin with, at least 1.
        pieces: what a piece consists of, in words, for the note to the user.

    Raises:
        SettingError: not even pieces of 1 fit.

    Warns:
        ResourceNote: says which size it took.
    """
    first = size
    while True:
        try:
            done = work(size)
        except torch.OutOfMemoryError as problem:
            if size == 1:
                raise SettingError(
                    f"The device's memory does not suffice even for 1 {pieces} at a time; free some, choose a smaller "
                    "network or fewer samples, or compute on the cpu."
                ) from problem
        else:
            break
        size //= 2  # outside the handler, which would keep the failed attempt's tensors alive
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    if size < first:
        words = f"The device's memory was short: {size} {pieces} at a time instead of {first}."
        warnings.warn(ResourceNote(words), stacklevel=2)
    return done
