"""The parts of a pickled state dict: names, records of numbers, and tensors as views of records."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from mipp_core.checkpoints.stored import is_size, refused, shown, sizes

_TYPES = {
    "torch DoubleStorage": torch.float64,
    "torch FloatStorage": torch.float32,
    "torch HalfStorage": torch.float16,
    "torch BFloat16Storage": torch.bfloat16,
    "torch LongStorage": torch.int64,
    "torch IntStorage": torch.int32,
}


@dataclass(frozen=True)
class Name:
    """The name of a class or function that a pickle mentions."""

    text: str


@dataclass(frozen=True)
class Record:
    """Numbers in the archive: the record's key, their type, and how many the pickle says there are."""

    key: str
    dtype: torch.dtype
    count: int


@dataclass(frozen=True)
class View:
    """A tensor as a pickle describes it: elements of a record, from an offset, with strides."""

    record: Record
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def reach(self) -> int:
        """Number of elements that the record must have."""
        last = sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        return self.offset + last + 1 if all(self.shape) else self.offset


def name_of(text: str) -> Name:
    """Return a name, if state dicts need it.

    Raises:
        DataError: they do not; says which name it is.
    """
    if text not in _TYPES and text not in _MADE:
        raise refused(f"its pickle asks for {shown(text.replace(' ', '.'))}, and nothing is executed here")
    return Name(text)


def record_of(stated: Any) -> Record:
    """Return the record that a persistent identifier stands for.

    Raises:
        DataError: it stands for something else.
        ValueError, TypeError, KeyError: it is malformed.
    """
    kind, storage, key, _, count = stated
    if kind != "storage" or not isinstance(storage, Name) or not isinstance(key, str) or not is_size(count):
        raise refused("its pickle refers to something that is not a record of numbers")
    return Record(key, _TYPES[storage.text], count)


def made(called: Any, arguments: Any) -> Any:
    """Return the value that a call would make, without calling anything.

    Raises:
        DataError: the call does not make a part of a state dict.
        TypeError: the arguments do not fit.
    """
    if not isinstance(called, Name) or called.text not in _MADE or not isinstance(arguments, tuple):
        raise refused("its pickle calls something that is not part of a state dict")
    return _MADE[called.text](*arguments)


def _view(record: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> View:
    shape, strides = sizes(shape), sizes(strides)
    if not isinstance(record, Record) or not is_size(offset) or len(shape) != len(strides):
        raise refused("its pickle describes an impossible tensor")
    return View(record, offset, shape, strides)


def _parameter(view: Any, *_: Any) -> View:
    if not isinstance(view, View):
        raise TypeError
    return view


def _dictionary() -> dict[Any, Any]:
    return {}


_MADE: dict[str, Callable[..., Any]] = {
    "collections OrderedDict": _dictionary,
    "torch._utils _rebuild_tensor_v2": _view,
    "torch._utils _rebuild_parameter": _parameter,
}
