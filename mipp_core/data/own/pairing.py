"""Finds images and labels among the arrays of a file by the names that people give them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mipp_core.data.own.npz import Member
from mipp_core.errors import ImagesError

_PARTS = {
    "train": {"train", "training", "tr"},
    "test": {"test", "testing", "te"},
    "val": {"val", "valid", "validation"},
}
_IMAGES = {"x", "image", "images", "img", "imgs", "data", "pixels", "features", "inputs"}
_LABELS = {"y", "label", "labels", "target", "targets", "class"}
_ACCEPTED = (
    "x_train, y_train, x_test, y_test; train_images, train_labels, test_images, test_labels; or images, labels, which "
    "are split by a seed"
)

_WORD = re.compile(r"[xy](?=t|v)|[A-Za-z][a-z]*?(?=[xy](?:\W|_|$))|[A-Za-z][a-z]*|\d+")
"""``xtrain`` and ``trainX`` are two words, as ``x_train`` is."""


@dataclass(frozen=True)
class Pair:
    """Images and their labels."""

    images: Member
    labels: Member


@dataclass(frozen=True)
class Pairs:
    """What a file holds.

    Attributes:
        train: to train on, or all.
        test: to test on; None where it must be split off.
        unread: names of the arrays that are not read.
    """

    train: Pair
    test: Pair | None
    unread: tuple[str, ...]


def pairs_of(path: Path, found: dict[str, Member]) -> Pairs:
    """Find images and labels, by name.

    Raises:
        ImagesError: they are not there, or more than one array could be meant.
    """
    named: dict[tuple[str, str], Member] = {}
    for member in found.values():
        key = _key(member.name)
        if key is None:
            continue
        if key in named:
            raise _unclear(path, found, f"{named[key].name} and {member.name} could both be meant")
        named[key] = member
    parts = {part for part, _ in named}
    if "" in parts and len(parts) > 1:
        raise _unclear(path, found, "it has arrays of a part, as x_train, beside arrays of the whole, as x")
    whole = [part for part in ("", "train") if part in parts]
    if not whole:
        raise _unclear(path, found, "it has no images and labels to train on by the names that are known")
    tested = next((part for part in ("test", "val") if part in parts), None)
    train = _pair(path, found, named, whole[0])
    test = _pair(path, found, named, tested) if tested else None
    read = {each.name for pair in (train, test) if pair for each in (pair.images, pair.labels)}
    return Pairs(train, test, tuple(name for name in found if name not in read))


def _pair(path: Path, found: dict[str, Member], named: dict[tuple[str, str], Member], part: str) -> Pair:
    both = [named.get((part, role)) for role in ("images", "labels")]
    images, labels = both
    if images is None or labels is None:
        lacks = "images" if images is None else "labels"
        raise _unclear(path, found, f"it has no {f'{part} ' if part else ''}{lacks}")
    return Pair(images, labels)


def _key(name: str) -> tuple[str, str] | None:
    """Return the part and the role that a name stands for; None for any other name."""
    words = [word.lower() for word in _WORD.findall(name.lower() if name.isupper() else name)]
    parts = [part for word in words for part, names in _PARTS.items() if word in names]
    roles = [role for word in words for role, names in (("labels", _LABELS), ("images", _IMAGES)) if word in names]
    if not roles or len(parts) > 1 or len(words) > len(parts) + len(roles):
        return None
    return (parts[0] if parts else ""), "labels" if "labels" in roles else "images"


def _unclear(path: Path, found: dict[str, Member], fault: str) -> ImagesError:
    return ImagesError(f"{path}: {fault}; found {_listed(found.values())}. Name the arrays {_ACCEPTED}.")


def _listed(found: Iterable[Member]) -> str:
    names = [str(member) for member in found]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return (", ".join(names[:12]) or "no array") + more
