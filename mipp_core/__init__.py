"""Mutual Information Preserving Pruning and the work around it: a core without a user interface.

All of ``mipp_core.api`` is here, too, and is imported when the first of its names is asked for: it needs PyTorch, which
takes a second.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mipp_core.version import __version__ as __version__

if TYPE_CHECKING:
    from mipp_core.api import *  # noqa: F403  its ``__all__`` says what


def __getattr__(name: str) -> Any:
    """Return what the package offers under a name."""
    api = import_module("mipp_core.api") if name == "__all__" or not name.startswith("__") else None
    try:
        return getattr(api, name)
    except AttributeError:
        raise AttributeError(f"module 'mipp_core' has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return __getattr__("__all__")
