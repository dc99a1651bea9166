"""Uploads on the disk, under names of our own."""

from pathlib import Path
from uuid import uuid4

from mipp_core.checkpoints.stored import check_size
from mipp_core.experiments.store.files import write_bytes


def keep_upload(data: bytes, folder: Path) -> Path:
    """Write an upload into a folder, whole or not at all, and return where it is.

    What its sender calls it plays no part: a name may lead anywhere.

    Raises:
        DataError: it is empty or too large, or the folder cannot be written.
    """
    check_size(len(data))
    path = folder / f"{uuid4().hex}.upload"
    write_bytes(path, data)
    return path
