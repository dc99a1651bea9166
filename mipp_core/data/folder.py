"""Where datasets are kept."""

import os
from pathlib import Path

from platformdirs import user_cache_path

from mipp_core.errors import DataError

VARIABLE = "MIPP_DATA"
"""The environment variable that names the data folder."""


def data_folder(data_dir: Path | None) -> Path:
    """Return ``data_dir``, or the folder in ``MIPP_DATA``, or a per-user cache folder, in this order; create nothing.

    Raises:
        DataError: the path starts with ``~`` and that user has no home folder.
    """
    chosen = data_dir if data_dir is not None else os.environ.get(VARIABLE) or user_cache_path("mipp") / "data"
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise DataError(
            f"The home folder in the path {str(chosen)!r} does not exist; give a full path in "
            f"data_dir or {VARIABLE}, or use the embedded mnist-sample."
        ) from error
