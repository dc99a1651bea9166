"""The experiments of No Free Prune that ship with the package."""

import gzip
import json
import zlib
from functools import cache
from typing import Any

from mipp_core.errors import DataError
from mipp_core.reports.archive import SHIPPED

PACKED = SHIPPED / "limits.gz"
"""{name: document}, as JSON."""


@cache
def shipped_studies() -> dict[str, dict[str, Any]]:
    """Return the documents by name; not to be changed.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        found: dict[str, dict[str, Any]] = json.loads(gzip.decompress(PACKED.read_bytes()))
    except (OSError, ValueError, EOFError, zlib.error) as problem:
        raise DataError(f"The shipped experiments in {PACKED} are damaged ({problem}); install it again.") from problem
    return found
