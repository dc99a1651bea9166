"""Images of one's own that are in the data folder: what the app offers, so that nobody types a path there."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from mipp_core.data.own.files import Walk
from mipp_core.data.own.known import SUFFIX
from mipp_core.data.own.layout import is_dataset
from mipp_core.data.own.naming import FOLDER
from mipp_core.errors import ImagesError

_DEEPEST = 3
_MOST = 1000


def found_below(root: Path, known: Collection[str] = ()) -> list[str]:
    """Return what is in a folder as folder:PATH and FILE.npz, paths inside it, sorted.

    Nothing that a link leads out to is returned, and nothing in hidden folders; folders are looked at to a depth of
    three, and at most a thousand of them.

    Args:
        root: the data folder; it need not exist.
        known: names of folders that belong to other datasets.
    """
    base = root.resolve()
    found, waiting, looked = [], [(base, 0)], 0
    while waiting and looked < _MOST:
        folder, depth = waiting.pop()
        looked += 1
        for path in _inside(folder, base):
            place = path.relative_to(base).as_posix()
            if path.is_file():
                found += [place] if path.suffix.lower() == SUFFIX else []
            elif path.name in known:
                continue
            elif _holds_images(path, base):
                found.append(f"{FOLDER}{place}")
            elif depth + 1 < _DEEPEST:
                waiting.append((path, depth + 1))
    return sorted(found)


def _inside(folder: Path, base: Path) -> Iterator[Path]:
    """Yield what is in a folder, but nothing hidden and nothing that leads out of the base."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208, names alone
    except OSError:
        return
    for path in (folder / name for name in names if not name.startswith(".")):
        target = Path(os.path.realpath(path))
        if target.is_relative_to(base) and target != base and path.name.isprintable():
            yield path


def _holds_images(folder: Path, base: Path) -> bool:
    try:
        return is_dataset(Walk(folder, base, passes_over=True))
    except (ImagesError, OSError):
        return False
