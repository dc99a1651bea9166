"""Networks that somebody's own Python file builds; ``mipp_core.own_files`` says when such a file is run."""

import inspect
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from mipp_core.errors import ModelError
from mipp_core.models.family import Family
from mipp_core.own_files import run_file, shown

if TYPE_CHECKING:
    from torch import nn

_NAMED: dict[str, Family] = {}
"""The families of the files that were loaded in this process."""


def load_file(text: str) -> str:
    """Run ``PATH.py:FUNCTION`` and return the name of the family it makes.

    The function returns a network; it may take ``image_shape`` (channels, height, width) and ``classes``.

    Raises:
        ModelError: the file cannot be read or run, or has no such function.
    """
    function, name = run_file(text, "function", "net.py:build", ModelError)
    _NAMED[name] = Family(f"the network of {shown(name)}", (), (), _Builder(function, name))
    return name


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

    def __call__(self, _: tuple[int, ...], image_shape: tuple[int, ...], classes: int) -> "nn.Module":
        given = {"image_shape": image_shape, "classes": classes}
        try:
            with redirect_stdout(sys.stderr):
                made = self._function(**{name: given[name] for name in self._asked})
        except ModuleNotFoundError as problem:
            raise ModelError(
                f"{self._name} cannot be built: it imports {problem.name}, which is not installed; import files "
                "beside it at the top of the file, so that they are part of its name."
            ) from problem
        except (Exception, SystemExit) as problem:
            raise ModelError(
                f"{self._name} cannot be built ({type(problem).__name__}: {problem}); correct its code."
            ) from problem
        from mipp_core.models import making

        if not making.is_network(made):
            raise ModelError(f"{self._name} returned a {type(made).__name__}; it must return a torch.nn.Module.")
        return made
