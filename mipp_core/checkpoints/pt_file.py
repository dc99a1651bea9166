"""Reads the zip that ``torch.save`` writes, without ``torch.load``.

Even with ``weights_only=True``, ``torch.load`` lets a pickle make calls that take memory (such as
``bytearray(10**9)``), and reads the zip's members with another reader than the one that checked them.  So the pickle is
read as plain values (``inert_pickle``) and compared with the archive, and tensors are made from the checked records.
"""

from functools import partial

from torch import Tensor

from mipp_core.checkpoints.archive import Archive
from mipp_core.checkpoints.holdings import Content, holdings_of
from mipp_core.checkpoints.inert_pickle import read_pickle
from mipp_core.checkpoints.stored import LARGEST_HEADER, Stored, from_bytes, refused, shown
from mipp_core.checkpoints.views import View


def read_pt(content: bytes) -> Content:
    """Return what a checkpoint written by ``torch.save`` holds.

    Raises:
        DataError: it is not such a file, holds no tensors with names, or is damaged.
    """
    archive = Archive(content)
    pickled = archive.read("data.pkl", LARGEST_HEADER)
    if "byteorder" in archive and archive.read("byteorder", 16) != b"little":
        raise refused("its numbers are big-endian")
    return Content(holdings_of(read_pickle(pickled).value), partial(_stored, archive=archive))


def _stored(name: str, view: View, archive: Archive) -> Stored:
    record, member = view.record, f"data/{view.record.key}"
    if member not in archive or archive.size(member) != record.count * record.dtype.itemsize:
        held = archive.size(member) if member in archive else "no"
        raise refused(f"{shown(name)} claims {record.count} numbers of {record.dtype}, but the file has {held} bytes")
    if view.reach > record.end:
        raise refused(f"{shown(name)} needs {view.reach} numbers, but its record has {record.end}")
    return Stored(record.dtype, view.shape, partial(_read, view, archive))


def _read(view: View, archive: Archive) -> Tensor:
    numbers = from_bytes(archive.read(f"data/{view.record.key}"), view.record.dtype)
    return numbers.as_strided(view.shape, view.strides, view.offset).clone()
