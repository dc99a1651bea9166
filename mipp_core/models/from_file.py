"""Networks that a user's own Python file builds.

A file is run only when the user names it, on the command line or in Python.  A saved run or slim network stores the
file's name and the hash of its content, but not its folder, and loading one runs no code.  What a file prints goes to
stderr, since stdout is for results.
"""

import hashlib
import inspect
import runpy
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from torch import nn

from mipp_core.errors import ModelError
from mipp_core.models.family import Family

PREFIX = "file:"
"""Start of these families' names, as in ``file:net.py:build@0123456789ab``."""

_NAMED: dict[str, Family] = {}
"""The families of the files that were loaded in this process."""


def load_file(text: str) -> str:
    """Run ``PATH.py:FUNCTION`` and return the name of the family it makes.

    Write the network in one file: the hash does not cover other modules of yours that it imports.  The function returns
    a network; it may take ``image_shape`` (channels, height, width) and ``classes``.  The name contains the file's
    hash, so a changed file makes other runs.

    Raises:
        ModelError: the file cannot be read or run, or has no such function.
    """
    path, _, function = text.rpartition(":")
    try:
        content = Path(path).read_bytes()
        with redirect_stdout(sys.stderr):
            found = runpy.run_path(path).get(function)
    except (Exception, SystemExit) as problem:  # SystemExit: a script may parse sys.argv, which is not meant for it
        raise ModelError(
            f"The file {path} cannot be run ({type(problem).__name__}: {problem}); check its path and its code."
        ) from problem
    if not callable(found):
        raise ModelError(f"The file {path} has no function {function!r}; give PATH.py:FUNCTION, such as net.py:build.")
    name = f"{PREFIX}{Path(path).name}:{function}@{hashlib.sha256(content).hexdigest()[:12]}"
    _NAMED[name] = Family(f"{function} of {Path(path).name}", (), (), _Builder(found, name))
    return name


def shown(name: str) -> str:
    """Return a model's name as a user would type it; for a file, only its name without the folder is known."""
    return name.removeprefix(PREFIX).partition("@")[0] if name.startswith(PREFIX) else name


def named_file(name: str) -> Family:
    """Return the family of a file that was loaded in this process.

    Raises:
        ModelError: it was not; no file is run.
    """
    if name not in _NAMED:
        raise ModelError(
            f"The network {name} is built by a Python file, which is only run when you name it; give it again as "
            "--model PATH.py:FUNCTION, with prune or with sweep for one run."
        )
    return _NAMED[name]


class _Builder:
    """Calls a user's function with the arguments it accepts."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function, self._name = function, name
        self._asked = inspect.signature(function).parameters.keys() & {"image_shape", "classes"}

    def __call__(self, _: tuple[int, ...], image_shape: tuple[int, int, int], classes: int) -> nn.Module:
        given = {"image_shape": image_shape, "classes": classes}
        try:
            with redirect_stdout(sys.stderr):
                made = self._function(**{name: given[name] for name in self._asked})
        except (Exception, SystemExit) as problem:
            raise ModelError(
                f"{self._name} cannot be built ({type(problem).__name__}: {problem}); correct its code."
            ) from problem
        if not isinstance(made, nn.Module):
            raise ModelError(f"{self._name} returned a {type(made).__name__}; it must return a torch.nn.Module.")
        return made
