"""Folders of picture files: which files there are, in which class, and in which part; none is opened."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mipp_core.data.download import reason
from mipp_core.data.own.pictures import SUFFIXES
from mipp_core.errors import ImagesError

_NO_CLASSES = frozenset({"__macosx", "@eadir"})
"""Folders that systems leave behind, in small letters."""

Identity = tuple[int, int]


@dataclass(frozen=True)
class ImageFile:
    """One picture file.

    Attributes:
        path: where it is.
        name: its path inside the folder that was given, with ``/``.
        size: in bytes.
        changed: when, in nanoseconds.
    """

    path: str
    name: str
    size: int
    changed: int


@dataclass(frozen=True)
class Part:
    """The training or the test half, or both in one.

    Attributes:
        folder: with one folder per class in it.
        classes: the names of those folders, sorted.
        files: of each class, sorted by name; at least one each.
        others: files that are not pictures.
    """

    folder: Path
    classes: tuple[str, ...]
    files: tuple[tuple[ImageFile, ...], ...]
    others: tuple[str, ...]

    def __len__(self) -> int:
        return sum(map(len, self.files))


@dataclass(frozen=True)
class Walk:
    """How a folder is walked through.

    Attributes:
        root: the folder that was given.
        within: links must not lead out of it; None where they may.
        passes_over: bad links are passed over, not refused: for a first look.
    """

    root: Path
    within: Path | None = None
    passes_over: bool = False

    def part(self, folder: Path) -> Part:
        """List the class folders of a folder.

        Raises:
            ImagesError: there is none, one has no picture, or a folder cannot be read or contains itself.
        """
        classes = self.subfolders(folder)
        if not classes:
            raise ImagesError(
                f"{folder} has no class folders; put the pictures of each class into a folder of its own there, as "
                f"{folder / 'cats'} and {folder / 'dogs'}."
            )
        others: list[str] = []
        files = tuple(tuple(sorted(self._below(each, others), key=lambda file: file.name)) for each in classes)
        for each, found in zip(classes, files, strict=True):
            if not found:
                raise ImagesError(
                    f"The class folder {each} has no picture ({', '.join(sorted(SUFFIXES))}); put some in, or remove "
                    "the folder."
                )
        return Part(folder, tuple(shown_name(each) for each in classes), files, tuple(others))

    def subfolders(self, folder: Path) -> list[Path]:
        """Return the folders in a folder, sorted by name; hidden ones do not count."""
        return sorted(Path(entry.path) for entry in self._entries(folder) if entry.is_dir())

    def pictures_directly_in(self, folder: Path) -> int:
        """Count the picture files of a folder that are in no folder inside it."""
        return sum(_is_picture(entry) for entry in self._entries(folder))

    def has_class_folders(self, folder: Path) -> bool:
        """Tell whether a folder has folders in it and no picture beside them, as train and test have."""
        return bool(self.subfolders(folder)) and not self.pictures_directly_in(folder)

    def _below(self, folder: Path, others: list[str], above: frozenset[Identity] = frozenset()) -> Iterator[ImageFile]:
        """Yield the picture files of a folder, at any depth."""
        about = folder.stat()
        me = (about.st_dev, about.st_ino)
        if me in above:
            raise ImagesError(f"The folder {folder} leads back into itself by a link; remove the link.")
        for entry in self._entries(folder):
            if entry.is_dir():
                yield from self._below(Path(entry.path), others, above | {me})
            elif _is_picture(entry):
                about = entry.stat()
                name = Path(entry.path).relative_to(self.root).as_posix()
                yield ImageFile(entry.path, name, about.st_size, about.st_mtime_ns)
            else:
                others.append(Path(entry.path).relative_to(self.root).as_posix())

    def _entries(self, folder: Path) -> list["os.DirEntry[str]"]:
        try:
            with os.scandir(folder) as found:
                entries = [entry for entry in found if not _is_hidden(entry.name)]
        except OSError as problem:
            raise ImagesError(
                f"The folder {folder} cannot be read ({reason(problem)}); give yourself the right to read it."
            ) from problem
        faults = [self._fault_of_link(entry) for entry in entries]
        if any(faults) and not self.passes_over:
            raise ImagesError(next(filter(None, faults)))
        return [entry for entry, fault in zip(entries, faults, strict=True) if not fault]

    def _fault_of_link(self, entry: "os.DirEntry[str]") -> str:
        """Say that a link leads nowhere, or out of where it may lead; empty if it does not."""
        if not entry.is_symlink():
            return ""
        target = Path(os.path.realpath(entry.path))
        if not target.exists():
            return f"The link {entry.path} leads nowhere, or back to itself; remove it."
        if self.within is not None and not target.is_relative_to(self.within):
            return f"The link {entry.path} leads out of {self.within}; put the files themselves there."
        return ""


def shown_name(path: Path) -> str:
    """Return a file's or folder's name as text that can be written anywhere."""
    return printable(os.fsencode(path.name).decode(errors="replace"))


def printable(text: str) -> str:
    """Return a text with a mark in place of what cannot be printed."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _NO_CLASSES


def _is_picture(entry: "os.DirEntry[str]") -> bool:
    return Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file()
