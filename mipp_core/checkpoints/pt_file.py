"""Reads the zip that ``torch.save`` writes, without ``torch.load``.

Even with ``weights_only=True``, ``torch.load`` lets a pickle make calls that take memory (such as
``bytearray(10**9)``), and reads the zip's members with another reader than the one that checked them.  So the pickle is
read as plain values (``inert_pickle``) and compared with the archive, and tensors are made from the checked records.
"""

from functools import partial
from typing import Any

from torch import Tensor

from mipp_core.checkpoints.archive import Archive
from mipp_core.checkpoints.inert_pickle import read_pickle
from mipp_core.checkpoints.stored import LARGEST_HEADER, Stored, from_bytes, refused, shown
from mipp_core.checkpoints.views import View

_NESTED = ("state_dict", "model")
"""Keys under which training scripts store the state dict among other things."""


def read_pt(content: bytes) -> dict[str, Stored]:
    """Return the tensors in a checkpoint written by ``torch.save``.

    Raises:
        DataError: it is not such a file, holds no plain state dict, or is damaged.
    """
    archive = Archive(content)
    pickled = archive.read("data.pkl", LARGEST_HEADER)
    if "byteorder" in archive and archive.read("byteorder", 16) != b"little":
        raise refused("its numbers are big-endian")
    return {name: _stored(name, view, archive) for name, view in _state(read_pickle(pickled)).items()}


def _state(found: Any) -> dict[str, View]:
    """Return the state dict, whether it is the whole content or one entry of it."""
    if isinstance(found, dict):
        found = next((found[name] for name in _NESTED if isinstance(found.get(name), dict)), found)
    if not isinstance(found, dict):
        raise refused(f"it holds a {type(found).__name__}, not a state dict")
    strange = [name for name, value in found.items() if not isinstance(name, str) or not isinstance(value, View)]
    if strange:
        raise refused(f"{shown(strange[0])} in its state dict is not a tensor with a name")
    return found


def _stored(name: str, view: View, archive: Archive) -> Stored:
    record, member = view.record, f"data/{view.record.key}"
    if member not in archive or archive.size(member) != record.count * record.dtype.itemsize:
        held = archive.size(member) if member in archive else "no"
        raise refused(f"{shown(name)} claims {record.count} numbers of {record.dtype}, but the file has {held} bytes")
    if view.reach > record.count:
        raise refused(f"{shown(name)} needs {view.reach} numbers, but its record has {record.count}")
    return Stored(record.dtype, view.shape, partial(_read, view, archive))


def _read(view: View, archive: Archive) -> Tensor:
    numbers = from_bytes(archive.read(f"data/{view.record.key}"), view.record.dtype)
    return numbers.as_strided(view.shape, view.strides, view.offset).clone()
