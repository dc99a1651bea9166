"""Labels as people save them, as class indices: whole numbers, one column, one-hot rows, or strings."""

import numpy
import torch
from jaxtyping import Int
from torch import Tensor

from mipp_core.data.own.npz import Array, Member
from mipp_core.errors import ImagesError

_MOST = 2**28
_MATRIX = 2


def read_labels(member: Member, count: int) -> Array:
    """Return one whole number or string per image.

    Args:
        member: the array of labels.
        count: number of images.

    Raises:
        ImagesError: there are more or fewer, or they are no class labels.
    """
    found = member.read(_MOST)
    if found.ndim == 0 or len(found) != count:
        there = len(found) if found.ndim else 1
        raise _wrong(member, f"has {there:,} labels for {count:,} images", "give one label per image")
    if found.ndim > 1 and found.size == count:
        found = found.reshape(count)
    if found.ndim == _MATRIX:
        return _from_one_hot(member, found)
    if found.ndim > _MATRIX:
        raise _wrong(member, f"has labels of shape {list(found.shape)}", "give one label per image")
    if found.dtype.kind in "US":
        return numpy.char.decode(found, "utf-8", "replace") if found.dtype.kind == "S" else found
    return _whole_numbers(member, found)


def indices(labels: Array, names: Array, member: Member) -> Int[Tensor, " n"]:
    """Return class indices: the places of labels among the sorted labels that are trained on.

    Raises:
        ImagesError: a label is not among them.
    """
    strange = numpy.setdiff1d(labels, names)
    if len(strange):
        known = ", ".join(map(str, names[:5])) + (", …" if len(names) > 5 else "")
        raise _wrong(
            member, f"has the label {strange[0]}, which is not among those to train on ({known})", "leave it out"
        )
    return torch.from_numpy(numpy.searchsorted(names, labels).astype(numpy.int64))


def _from_one_hot(member: Member, rows: Array) -> Array:
    if rows.dtype.kind not in "buif":
        raise _wrong(member, f"has rows of {rows.dtype}", "give one label per image")
    ones = (rows == 1).sum(1)
    if not (((rows == 0) | (rows == 1)).all() and (ones == 1).all()):
        strange = rows[(ones != 1).argmax()][:8].tolist()
        raise _wrong(
            member,
            f"has rows of {rows.shape[1]} numbers that are not one-hot, such as {strange}",
            "give one class per image; several at a time are not read",
        )
    return rows.argmax(1)


def _whole_numbers(member: Member, labels: Array) -> Array:
    if labels.dtype.kind not in "buif":
        raise _wrong(member, f"has labels of {labels.dtype}", "give whole numbers or strings")
    bad = ~numpy.isfinite(labels) if labels.dtype.kind == "f" else numpy.zeros(len(labels), dtype=bool)
    bad |= numpy.where(bad, 0, labels) % 1 != 0 if labels.dtype.kind == "f" else False
    if bad.any():
        raise _wrong(member, f"has the label {labels[bad.argmax()]}", "give whole numbers or strings, one per class")
    if (labels < 0).any():
        raise _wrong(member, f"has the label {int(labels.min())}", "number the classes from 0, or leave these out")
    return labels.astype(numpy.int64)


def _wrong(member: Member, fault: str, remedy: str) -> ImagesError:
    return ImagesError(f"The array {member.name} in {member.file} {fault}; {remedy}.")
