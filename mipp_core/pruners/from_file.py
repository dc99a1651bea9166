"""Pruners from somebody's own Python file; ``mipp_core.own_files`` says when such a file is run."""

import inspect
from dataclasses import is_dataclass

from mipp_core.errors import SettingError
from mipp_core.own_files import run_file
from mipp_core.pruners.contract import Decider, Ranker

_NAMED: dict[str, type[Ranker] | type[Decider]] = {}
"""The pruners that a person has named in this process."""


def load_pruner(text: str) -> str:
    """Run ``PATH.py:CLASS`` and return the name under which its pruner is known in this process.

    The class is a frozen dataclass derived from ``Ranker`` or ``Decider``; its fields are its settings.

    Raises:
        SettingError: the file cannot be read or run, or has no such class.
    """
    found, name = run_file(text, "class", "fpgm.py:Fpgm", SettingError)
    if not (inspect.isclass(found) and issubclass(found, Ranker | Decider)):
        raise SettingError(f"{text} is not a pruner; derive the class from mipp_core.pruners.Ranker or Decider.")
    if inspect.isabstract(found):
        raise SettingError(f"{text} does not define {' and '.join(sorted(found.__abstractmethods__))}; a pruner must.")
    if (
        "__dataclass_fields__" not in found.__dict__
        or not is_dataclass(found)
        or not vars(found)["__dataclass_params__"].frozen
    ):
        raise SettingError(f"{text} is not a frozen dataclass; write @dataclass(frozen=True) above the class.")
    _NAMED[name] = found
    return name


def named_pruner(name: str) -> type[Ranker] | type[Decider]:
    """Return the pruner of a file that was named in this process.

    Raises:
        SettingError: no such file was named; nothing is run.
    """
    if name not in _NAMED:
        raise SettingError(
            f"The pruner {name} is in a Python file, which is only run when you name it: give it again, as "
            "--pruner PATH.py:CLASS with prune, or with sweep for one run."
        )
    return _NAMED[name]
