"""Where channels are after a tensor has been given another shape."""

from dataclasses import replace
from math import prod

from mipp_core.network.channels import Channels, Part
from mipp_core.network.plain_shapes import Shape


def reshaped(given: Channels, before: Shape, after: Shape) -> Channels | None:
    """Return the channels of a tensor after its numbers, in the same order, have been given another shape.

    Channels may be flattened together with what lies behind them (each then takes several numbers), repeated by what
    lies before them, and unflattened again.  Channels that are mixed with samples, or split, are lost: None.
    """
    block = _block(before, after, given.dim)
    if block is None:
        return None
    (first, last), (start, end) = block
    outer, inner = before[first : given.dim], before[given.dim + 1 : last]
    if min((*outer, *inner, *after[start:end]), default=1) < 1:
        return None
    return _in_block(given, prod(outer), prod(inner), list(after[start:end]), start, len(after))


def _in_block(given: Channels, copies: int, depth: int, sizes: list[int], start: int, rank: int) -> Channels | None:
    """Place channels, of which there are ``copies`` in a row with ``depth`` numbers behind each, among new sizes."""
    at, left = 0, copies
    while at < len(sizes) and left > 1 and left % sizes[at] == 0:
        left //= sizes[at]
        at += 1
    while left == 1 and at < len(sizes) - 1 and sizes[at] == 1:
        at += 1
    if at == len(sizes):
        return None
    size, behind = sizes[at], prod(sizes[at + 1 :])
    if left > 1 and (left * given.numbers * depth) % size:
        return None
    parts = _parts(given.parts, depth, behind)
    if parts is None:
        return None
    parts *= left
    fits = sum(part.numbers for part in parts) == size
    return replace(given, parts=parts, rank=rank, dim=start + at) if fits else None


def _parts(parts: tuple[Part, ...], depth: int, behind: int) -> tuple[Part, ...] | None:
    """Return parts whose channels each take ``depth`` numbers more, of which ``behind`` go to later dimensions."""
    if any(part.span * depth % behind for part in parts):
        return None
    return tuple(replace(part, span=part.span * depth // behind) for part in parts)


def _block(before: Shape, after: Shape, dim: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the smallest ranges of dimensions, of both shapes, that hold the same numbers and a given dimension."""
    i = j = 0
    while i < len(before):
        first, start = i, j
        i, j = _next(before, after, i, j)
        if i < 0:
            return None
        if first <= dim < i:
            return (first, i), (start, j)
    return None


def _next(before: Shape, after: Shape, i: int, j: int) -> tuple[int, int]:
    """Return the ends of the next blocks of equal products; -1 where there are none."""
    left, right = _size(before, i), _size(after, j)
    i, j = i + 1, j + 1
    while left != right:
        if left < right:
            if i >= len(before):
                return -1, -1
            left, i = left * _size(before, i), i + 1
        else:
            if j >= len(after):
                return -1, -1
            right, j = right * _size(after, j), j + 1
    if i >= len(before):
        j = len(after)
    return i, j


_FREE = 1_000_003
"""Stands for the number of images: a prime that no other size has as a factor."""


def _size(shape: Shape, at: int) -> int:
    if at >= len(shape):
        return 1
    return shape[at] if shape[at] >= 0 else -shape[at] * _FREE
