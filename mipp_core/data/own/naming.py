"""Names of datasets of a user's own: they say what the images are, not where.

A name is ``folder:pets@0123456789abcdef-3x64x64-2-160-40``: the folder's or file's own name, a digest, then channels,
height and width, classes, and images to train and to test on.  So a network can be built for a dataset whose images
are not here.  The digest is of all that decides the images: what was asked (size, crop, colour, split) and

- up to a gibibyte of files: every file's path inside the folder, and its bytes;
- above: every file's path, size and time of change.

Images that were changed in any way have another name, and old results do not answer for them.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mipp_core.data.download import reason
from mipp_core.errors import ImagesError

FOLDER, ARRAYS = "folder:", "npz:"
"""How names begin."""

READ_WHOLE = 2**30
"""Most bytes that are read for a digest."""

_DIGITS = 16
_CHUNK = 2**20
_NAME = re.compile(
    r"(?P<kind>folder:|npz:)(?P<shown>.+)@(?P<digest>[0-9a-f]{16})-(?P<channels>[1-9]\d{0,8})x(?P<height>[1-9]\d{0,8})"
    r"x(?P<width>[1-9]\d{0,8})-(?P<classes>[1-9]\d{0,8})-(?P<train>[1-9]\d{0,17})-(?P<test>[1-9]\d{0,17})",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True)
class Name:
    """The parts of a name.

    Attributes:
        kind: ``folder:`` or ``npz:``.
        shown: the folder's or file's own name.
        digest: sixteen hexadecimal digits.
        image_shape: channels, height, width.
        classes: number of classes.
        train_size: number of training images.
        test_size: number of test images.
    """

    kind: str
    shown: str
    digest: str
    image_shape: tuple[int, int, int]
    classes: int
    train_size: int
    test_size: int

    @property
    def words(self) -> str:
        """The name as people write it: ``folder:pets`` or ``digits.npz``, without the digest."""
        return f"{self.kind if self.kind == FOLDER else ''}{self.shown}"

    def __str__(self) -> str:
        shape = "x".join(map(str, self.image_shape))
        return f"{self.kind}{self.shown}@{self.digest}-{shape}-{self.classes}-{self.train_size}-{self.test_size}"


def is_own(name: str) -> bool:
    """Tell whether a dataset's name is that of images of a user's own."""
    return _NAME.fullmatch(name) is not None


def read_name(text: str) -> Name | None:
    """Take a name apart; None if it is none of images of a user's own."""
    found = _NAME.fullmatch(text)
    if found is None:
        return None
    shape = (int(found["channels"]), int(found["height"]), int(found["width"]))
    counts = (int(found["classes"]), int(found["train"]), int(found["test"]))
    return Name(found["kind"], found["shown"], found["digest"], shape, *counts)


def shown(name: str) -> str:
    """Return a dataset's name as people read it: ``folder:pets`` or ``digits.npz``, without the digest."""
    found = read_name(name)
    return found.words if found else name


def prints_of(files: Iterable[tuple[Path, str, int, int]]) -> dict[str, str]:
    """Return a fingerprint per file: of its bytes if there are few enough, or else of its size and time of change.

    Args:
        files: path, name, bytes and time of change of each.

    Raises:
        ImagesError: a file cannot be read.
    """
    known = list(files)
    if sum(size for _, _, size, _ in known) <= READ_WHOLE:
        return {name: _content(path) for path, name, _, _ in known}
    return {name: f"{size} {changed}" for _, name, size, changed in known}


def digest_of(asked: Mapping[str, Any], prints: Mapping[str, str]) -> str:
    """Return sixteen hexadecimal digits that follow from what was asked and from the files' fingerprints."""
    sha = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
    for name, found in sorted(prints.items()):
        sha.update(json.dumps([name, found]).encode())
    return sha.hexdigest()[:_DIGITS]


def _content(path: Path) -> str:
    sha = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                sha.update(chunk)
    except OSError as problem:
        raise ImagesError(
            f"The file {path} cannot be read ({reason(problem)}); give yourself the right to read it, or remove it."
        ) from problem
    return sha.hexdigest()
