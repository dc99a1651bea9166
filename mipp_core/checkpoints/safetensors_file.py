"""Reads a safetensors file; its whole header is checked before a tensor is made.

The layout: 8 bytes of header length (little-endian), that many bytes of JSON, and the tensors' bytes one after the
other.  It is checked here rather than by the library, so that the error messages tell users what to do.
"""

import json
from functools import partial
from math import prod
from typing import Any, NoReturn

import torch
from torch import Tensor

from mipp_core.checkpoints.holdings import Content, Holding
from mipp_core.checkpoints.stored import LARGEST_HEADER, Stored, from_bytes, is_size, refused, shown, sizes

_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
}
"""The types that weights and counts of batches come in."""

_FIELDS = {"dtype", "shape", "data_offsets"}


def read_safetensors(content: bytes) -> Content:
    """Return what a safetensors file holds: tensors in one dictionary.

    Raises:
        DataError: the header is invalid, or does not describe the rest of the file exactly.
    """
    start = 8 + _header_length(content)
    header = _header(content[8:start])
    header.pop("__metadata__", None)
    ranges = {name: _range(name, entry) for name, entry in header.items()}
    _check_ranges(list(ranges.values()), len(content) - start)
    tensors = {name: _stored(entry, content, start) for name, entry in header.items()}
    return Content((Holding((), tensors, {}),), lambda _, tensor: tensor)


def _header_length(content: bytes) -> int:
    length = int.from_bytes(content[:8], "little")
    if length > min(LARGEST_HEADER, len(content) - 8):
        raise refused(
            f"it claims a header of {length} bytes; the file has {len(content) - 8}, and the limit is {LARGEST_HEADER}"
        )
    return length


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise refused(f"its header is not JSON ({shown(problem)})") from problem
    if not isinstance(header, dict):
        raise refused("its header is not a JSON object")
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a repeated name: readers disagree on which of the two counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _range(name: str, entry: Any) -> tuple[int, int]:
    """Check a tensor's entry; return its first byte and the one after its last."""
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        raise refused(f"its header must describe {shown(name)} by exactly {', '.join(sorted(_FIELDS))}")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in _TYPES:
        raise refused(f"{shown(name)} has the type {shown(entry['dtype'])}, which is not one of {', '.join(_TYPES)}")
    ends = entry["data_offsets"]
    if not isinstance(ends, list) or len(ends) != 2 or not all(map(is_size, ends)):
        raise refused(f"the offsets of {shown(name)} are not two whole numbers")
    wanted = prod(sizes(entry["shape"])) * _TYPES[entry["dtype"]].itemsize
    if ends[1] - ends[0] != wanted:
        raise refused(f"{shown(name)} needs {wanted} bytes, but its offsets give it {ends[1] - ends[0]}")
    return ends[0], ends[1]


def _check_ranges(ranges: list[tuple[int, int]], size: int) -> None:
    """Refuse tensors that overlap, leave gaps or reach beyond the file."""
    reached = 0
    for first, last in sorted(ranges):
        if first != reached:
            raise refused(
                f"its tensors {'overlap' if first < reached else 'leave a gap'} at byte {min(first, reached)}"
            )
        reached = last
    if reached != size:
        raise refused(f"its tensors take {reached} bytes, but the file has {size} for them")


def _stored(entry: dict[str, Any], content: bytes, start: int) -> Stored:
    first, last = (start + offset for offset in entry["data_offsets"])
    dtype, shape = _TYPES[entry["dtype"]], tuple(entry["shape"])
    return Stored(dtype, shape, partial(_read, content, first, last, dtype, shape))


def _read(content: bytes, first: int, last: int, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
    return from_bytes(content[first:last], dtype).view(shape)
