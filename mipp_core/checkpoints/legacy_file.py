"""Reads what ``torch.save`` wrote before PyTorch 1.6, without ``torch.load``.

The layout: five pickles one after the other (a magic number, the format's version, facts about the machine, the
content, and the keys of its records), then for each key the number of its elements in 8 bytes and their bytes.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from torch import Tensor

from mipp_core.checkpoints.holdings import Content, holdings_of
from mipp_core.checkpoints.inert_pickle import Pickled, read_pickle
from mipp_core.checkpoints.stored import Stored, from_bytes, refused, shown
from mipp_core.checkpoints.views import Record, View, kind_of

_MAGIC = 0x1950A86A20F9469CFC6C
_MAGIC_BYTES = _MAGIC.to_bytes(10, "little")
_LATEST_START = 40
"""The magic number is within this many bytes from the start, whatever protocol its pickle has."""

_VERSION = 1001
_COUNT = 8
"""Bytes of a record's number of elements."""


def is_legacy(content: bytes) -> bool:
    """Tell whether a file begins as this format does."""
    return content.startswith(b"\x80") and _MAGIC_BYTES in content[:_LATEST_START]


def read_legacy(content: bytes) -> Content:
    """Return what a file of this format holds.

    Raises:
        DataError: it is damaged, big-endian, of another version, or holds no tensors with names.
    """
    magic = read_pickle(content)
    if magic.value != _MAGIC:
        raise refused("its pickle does not begin as torch.save begins it")
    version = read_pickle(content, magic.end)
    if version.value != _VERSION:
        raise refused(f"it is of torch.save's version {shown(_number(version.value))}, and {_VERSION} is known here")
    machine = read_pickle(content, version.end)
    if not isinstance(machine.value, dict) or machine.value.get("little_endian") is not True:
        raise refused("its numbers are big-endian, or it does not say that they are not")
    saved = read_pickle(content, machine.end)
    places = _places(content, read_pickle(content, saved.end), saved.records)
    return Content(holdings_of(saved.value), partial(_stored, content=content, places=places))


def _number(value: Any) -> object:
    return value if isinstance(value, int) else kind_of(value)


def _places(content: bytes, keys: Pickled, records: dict[str, Record]) -> dict[str, int]:
    """Return where each record's numbers begin; check that the records fill the rest of the file exactly."""
    reached, places = keys.end, dict[str, int]()
    for key in _keys(keys.value):
        record = records.get(key)
        if record is None or key in places:
            raise refused(f"its record {shown(key)} is {'not described' if record is None else 'there twice'}")
        count = int.from_bytes(content[reached : reached + _COUNT], "little", signed=True)
        places[key] = reached + _COUNT
        reached = places[key] + record.count * record.dtype.itemsize
        if count != record.count or reached > len(content):
            held = max(0, len(content) - places[key])
            raise refused(
                f"its record {shown(key)} claims {record.count} numbers of {record.dtype}, but begins with the count "
                f"{count}, and the file has {held} bytes left"
            )
    if reached != len(content):
        raise refused(f"{len(content) - reached} bytes follow its last record")
    return places


def _keys(value: Any) -> Iterator[str]:
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise refused("it has no list of its records")
    return iter(value)


def _stored(name: str, view: View, content: bytes, places: dict[str, int]) -> Stored:
    record = view.record
    if record.key not in places:
        raise refused(f"{shown(name)} claims {record.count} numbers of {record.dtype}, but the file has no bytes")
    if view.reach > record.end:
        raise refused(f"{shown(name)} needs {view.reach} numbers, but its record has {record.end}")
    return Stored(record.dtype, view.shape, partial(_read, view, content, places[record.key]))


def _read(view: View, content: bytes, first: int) -> Tensor:
    record = view.record
    numbers = from_bytes(content[first : first + record.count * record.dtype.itemsize], record.dtype)
    return numbers.as_strided(view.shape, view.strides, view.offset).clone()
