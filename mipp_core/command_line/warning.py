"""Warnings of our own, each as one line on stderr."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mipp_core.errors import MippWarning


@contextmanager
def plainly() -> Iterator[None]:
    """Print our own warnings as one line each within the block."""
    with warnings.catch_warnings():
        usual = warnings.showwarning
        warnings.simplefilter("always", MippWarning)
        warnings.showwarning = lambda message, category, *rest, **more: (
            print(f"warning: {message}", file=sys.stderr)
            if issubclass(category, MippWarning)
            else usual(message, category, *rest, **more)
        )
        yield
