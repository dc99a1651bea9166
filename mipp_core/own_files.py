"""Python files of a user's own: a network or a pruner that is not part of this package.

A file is run only when the user names it, on the command line or in Python.  A saved run or slim network stores the
file's name and the hash of its content, but not its folder, and loading one runs no code.  What a file prints goes to
stderr, since stdout is for results.
"""

import hashlib
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from mipp_core.errors import MippError

PREFIX = "file:"
"""How the names of objects from such files begin, as in ``file:net.py:build@0123456789ab``."""


def names_a_file(text: str) -> bool:
    """Tell whether a person's words are ``PATH.py:NAME``."""
    return text.rpartition(":")[0].endswith(".py")


def run_file(text: str, kind: str, example: str, refusal: type[MippError]) -> tuple[Any, str]:
    """Run the file of ``PATH.py:NAME``; return what it calls NAME, and the name of that in this project.

    It may import other files from its own folder.  The name has the hash of all of them in it, so a changed file makes
    other runs.

    Args:
        text: PATH.py:NAME.
        kind: of what NAME is, in a word.
        example: of PATH.py:NAME, for the message of a refusal.
        refusal: which error to raise.

    Raises:
        MippError: of the kind given: the file cannot be read or run, or has nothing of that name.
    """
    path, _, wanted = text.rpartition(":")
    try:
        content = Path(path).read_bytes()
        with redirect_stdout(sys.stderr), _imports_from(Path(path).resolve().parent) as beside:
            found = runpy.run_path(path).get(wanted)
    except (Exception, SystemExit) as problem:  # SystemExit: a script may parse sys.argv, which is not meant for it
        raise refusal(
            f"The file {path} cannot be run ({type(problem).__name__}: {problem}); check its path and its code."
        ) from problem
    if not callable(found):
        raise refusal(f"The file {path} has no {kind} {wanted!r}; give PATH.py:{kind.upper()}, such as {example}.")
    digest = hashlib.sha256(b"".join([content, *beside])).hexdigest()[:12]
    return found, f"{PREFIX}{Path(path).name}:{wanted}@{digest}"


@contextmanager
def _imports_from(folder: Path) -> Iterator[list[bytes]]:
    """Let a file import others from its folder; afterwards the list holds their contents, and they are forgotten."""
    before = set(sys.modules)
    beside: list[Path] = []
    read: list[bytes] = []
    sys.path.insert(0, str(folder))
    try:
        yield read
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            origin = getattr(sys.modules[name], "__file__", None)
            if origin and Path(origin).resolve().is_relative_to(folder) and "site-packages" not in origin:
                beside.append(Path(origin))
                del sys.modules[name]  # so that a changed file is read again
        read += [path.read_bytes() for path in sorted(beside)]


def shown(name: str) -> str:
    """Return a name as a person would type it; of the file's path only the last part is known."""
    return name.removeprefix(PREFIX).partition("@")[0] if name.startswith(PREFIX) else name
