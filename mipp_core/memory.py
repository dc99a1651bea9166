"""Does the same work in smaller pieces when the device runs out of memory."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import torch

from mipp_core.errors import ResourceNote, SettingError

Result = TypeVar("Result")


def halving(work: Callable[[int], Result], size: int, pieces: str) -> Result:
    """Do some work in pieces of a given size; if memory runs out, halve the size and start again.

    Args:
        work: takes the size of a piece; may be called again from the start.
        size: the first size to try, at least 1.
        pieces: what a piece consists of, in words, for the note to the user.

    Raises:
        SettingError: not even pieces of 1 fit.

    Warns:
        ResourceNote: the size was reduced; says to what.
    """
    first = size
    while True:
        try:
            done = work(size)
        except torch.OutOfMemoryError as problem:
            if size == 1:
                raise SettingError(
                    f"The device's memory is too small even for 1 {pieces} at a time; free some memory, choose a "
                    "smaller network or fewer samples, or compute on the cpu."
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
