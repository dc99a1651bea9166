"""The layout of a folder: a part to train on and a part to test on, or classes alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mipp_core.data.own.files import Part, Walk, shown_name
from mipp_core.errors import ImagesError

_TRAIN = frozenset({"train", "training"})
_TEST = frozenset({"test", "testing"})
_VAL = frozenset({"val", "valid", "validation"})

LOPSIDED = 100
"""A class that is this many times as large as another is said to be."""


@dataclass(frozen=True)
class Layout:
    """What a folder holds.

    Attributes:
        train: the part to train on, or both in one.
        test: the part to test on; None where it must be split off.
        notes: what a person should know.
    """

    train: Part
    test: Part | None
    notes: tuple[str, ...]


def layout_of(walk: Walk) -> Layout:
    """Find the parts and the classes of a folder.

    Raises:
        ImagesError: they cannot be found, do not fit each other, or hold too little.
    """
    folders = walk.subfolders(walk.root)
    parts = [each for each in folders if _role(each) and walk.has_class_folders(each)]
    if not parts:
        return _classes_alone(walk, folders)
    train, test, unread = _chosen(walk.root, parts)
    notes = [f"left out: {', '.join(shown_name(each) for each in unread)}"] if unread else []
    beside = [shown_name(each) for each in folders if each not in parts]
    notes += [f"left out, beside {shown_name(train)}: {', '.join(beside)}"] if beside else []
    trained_on = walk.part(train)
    tested_on = walk.part(test) if test else None
    _check_counts(trained_on, 2)
    if tested_on is not None:
        _check_same(trained_on, tested_on)
    both = [part for part in (trained_on, tested_on) if part is not None]
    return Layout(trained_on, tested_on, (*notes, *_notes(both)))


def is_dataset(walk: Walk) -> bool:
    """Tell, from a first look, whether a folder holds classes: two folders with pictures, or a part to train on.

    Raises:
        ImagesError: a folder cannot be read.
    """
    folders = walk.subfolders(walk.root)
    if any(_role(each) == "train" and walk.has_class_folders(each) for each in folders):
        return True
    return len(folders) >= 2 and all(map(walk.pictures_directly_in, folders[:2]))


def _classes_alone(walk: Walk, folders: Sequence[Path]) -> Layout:
    if folders and all(map(_role, folders)):
        raise ImagesError(
            f"{walk.root} has {' and '.join(map(shown_name, folders))} without class folders in them; put the pictures "
            f"of each class into a folder of its own, as {folders[0] / 'cats'} and {folders[0] / 'dogs'}."
        )
    part = walk.part(walk.root)
    _check_counts(part, 2)
    loose = walk.pictures_directly_in(walk.root)
    notes = [f"left out: {loose:,} pictures that are in no class folder"] if loose else []
    return Layout(part, None, (*notes, *_notes([part])))


def _role(folder: Path) -> str | None:
    name = folder.name.casefold()
    roles = {"train": _TRAIN, "test": _TEST, "val": _VAL}
    return next((role for role, names in roles.items() if name in names), None)


def _chosen(root: Path, parts: list[Path]) -> tuple[Path, Path | None, list[Path]]:
    """Return the folder to train on, the one to test on, if any, and those that are not read."""
    by_role: dict[str, Path] = {}
    for each in parts:
        role = _role(each) or ""
        if role in by_role:
            raise ImagesError(
                f"{root} has both {shown_name(by_role[role])} and {shown_name(each)}; keep one of them, or give a "
                "folder with one."
            )
        by_role[role] = each
    if "train" not in by_role:
        names = " and ".join(map(shown_name, parts))
        raise ImagesError(f"{root} has {names} but no train; name the folder to train on train.")
    test = by_role.get("test") or by_role.get("val")
    return by_role["train"], test, [each for each in parts if each not in (by_role["train"], test)]


def _check_counts(part: Part, least: int) -> None:
    if len(part.classes) < 2:
        inside = f"; if its classes are in {part.folder / part.classes[0]}, give that folder"
        raise ImagesError(f"{part.folder} has one class only, {part.classes[0]}; at least two are needed{inside}.")
    for name, files in zip(part.classes, part.files, strict=True):
        if len(files) < least:
            raise ImagesError(
                f"The class {name} in {part.folder} has {len(files)} picture; at least {least} of each class are "
                "needed: add some, or remove the folder."
            )


def _check_same(train: Part, test: Part) -> None:
    if train.classes != test.classes:
        other = min(set(train.classes) ^ set(test.classes))
        has, lacks = (train, test) if other in train.classes else (test, train)
        raise ImagesError(
            f"The class {other} is in {has.folder} but not in {lacks.folder}; both need the same class folders."
        )


def _notes(parts: list[Part]) -> list[str]:
    others = [name for part in parts for name in part.others]
    notes = [f"left out: {len(others):,} files that are not pictures, such as {_plain(others[0])}"] if others else []
    return notes + lopsided(parts[0].classes, [len(files) for files in parts[0].files])


def lopsided(classes: Sequence[str], counts: Sequence[int]) -> list[str]:
    """Say that one class is far larger than another; nothing where none is."""
    if max(counts) <= LOPSIDED * min(counts):
        return []
    most, least = counts.index(max(counts)), counts.index(min(counts))
    return [
        f"lopsided: {classes[most]} has {counts[most]:,} images and {classes[least]} has {counts[least]:,}; the "
        "accuracy says little about the small class"
    ]


def _plain(name: str) -> str:
    return shown_name(Path(name))
