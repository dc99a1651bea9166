"""Functions that are imported when they are called.

PyTorch takes a second to import and torchvision another one; who only asks what there is should not wait for them.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Later:
    """Stands in for a function of a module that is imported at the first call.

    Attributes:
        module: its full name.
        name: of the function in it.
        given: what it is called with before all other arguments.
    """

    module: str
    name: str
    given: tuple[Any, ...] = ()

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function."""
        return getattr(import_module(self.module), self.name)(*self.given, *arguments, **named)
