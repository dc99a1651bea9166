"""The parts of a pickle of tensors: names, records of numbers, tensors as views of records, and all else as nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
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
    "torch ShortStorage": torch.int16,
    "torch CharStorage": torch.int8,
    "torch ByteStorage": torch.uint8,
    "torch BoolStorage": torch.bool,
    "torch ComplexFloatStorage": torch.complex64,
    "torch ComplexDoubleStorage": torch.complex128,
    "torch QInt8Storage": torch.qint8,
    "torch QUInt8Storage": torch.quint8,
    "torch QInt32Storage": torch.qint32,
    "torch.storage UntypedStorage": torch.uint8,
}

_NETWORK = "_modules"
"""An attribute that every ``torch.nn.Module`` has."""


@dataclass(frozen=True)
class Name:
    """The name of a class or function that a pickle mentions; it is never looked up."""

    text: str

    @property
    def dotted(self) -> str:
        """The name as Python writes it."""
        return self.text.replace(" ", ".")


@dataclass(eq=False)
class Foreign:
    """An object that a pickle would make and that is not made: only its kind is known.

    Attributes:
        kind: in words, such as the name of its class.
        items: what was put into it by key, as into a dictionary.
        is_network: it has the attributes of a ``torch.nn.Module``.
    """

    kind: str
    items: dict[Any, Any] = field(default_factory=dict)
    is_network: bool = False

    def describe(self, state: Any) -> None:
        """Look at its attributes and forget them."""
        while isinstance(state, tuple) and state:
            state = state[0]
        self.is_network = self.is_network or (isinstance(state, dict) and _NETWORK in state)


@dataclass(frozen=True)
class Record:
    """Numbers in a file, or a run of them.

    Attributes:
        key: the record's name in the file.
        dtype: of its numbers.
        count: how many the pickle says there are.
        first: place of the first number that may be used.
        end: the place after the last.
    """

    key: str
    dtype: torch.dtype
    count: int
    first: int
    end: int


@dataclass(frozen=True)
class View:
    """A tensor as a pickle describes it: elements of a record, from an offset, with strides."""

    record: Record
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def dtype(self) -> torch.dtype:
        """Of its elements."""
        return self.record.dtype

    @property
    def reach(self) -> int:
        """Number of elements that the record must have."""
        last = sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        return self.offset + last + 1 if all(self.shape) else self.offset


def record_of(stated: Any) -> Record | Name:
    """Return the record, or the class, that a persistent identifier stands for.

    Raises:
        DataError: it stands for something else.
        ValueError, TypeError: it is malformed.
    """
    if isinstance(stated, tuple) and len(stated) == 4 and stated[0] == "module" and isinstance(stated[1], Name):
        return stated[1]  # a class of networks, with its source
    kind, storage, key, _, count, *part = stated
    if kind != "storage" or not isinstance(storage, Name) or not isinstance(key, str) or not is_size(count):
        raise refused("its pickle refers to something that is not a record of numbers")
    if storage.text not in _TYPES:
        raise refused(f"its pickle has numbers of the type {shown(storage.dotted)}, which is not known here")
    first, size = _part(part, count)
    return Record(key, _TYPES[storage.text], count, first, first + size)


def _part(part: list[Any], count: int) -> tuple[int, int]:
    """Return the first number and the number of numbers of a part of a record: old files have such parts."""
    if part in ([], [None]):
        return 0, count
    ((_, first, size),) = part
    if not is_size(first) or not is_size(size) or first + size > count:
        raise refused(f"its pickle refers to a part that is not inside its record of {count} numbers")
    return first, size


def made(called: Any, arguments: Any) -> Any:
    """Return the value that a call would make, without calling anything; an unknown one makes a ``Foreign``.

    Raises:
        DataError: what is called is not a class or function, or describes an impossible tensor.
        TypeError: the arguments do not fit.
    """
    if not isinstance(called, Name | Foreign) or not isinstance(arguments, tuple):
        raise refused("its pickle calls something that is not part of a state dict")
    if isinstance(called, Name) and called.text in _MADE:
        return _MADE[called.text](*arguments)
    return Foreign(called.dotted if isinstance(called, Name) else called.kind)


def _oldest_view(record: Any, offset: Any, shape: Any, strides: Any) -> View:
    return _view(record, offset, shape, strides)


def _view(record: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> View:
    shape, strides = sizes(shape), sizes(strides)
    if not isinstance(record, Record) or not is_size(offset) or len(shape) != len(strides):
        raise refused("its pickle describes an impossible tensor")
    return View(record, record.first + offset, shape, strides)


def _parameter(view: Any, *_: Any) -> View:
    if not isinstance(view, View):
        raise TypeError
    return view


def _dictionary(pairs: Any = ()) -> dict[Any, Any]:
    """Return a dictionary; Python 2 passed its items as pairs."""
    found: dict[Any, Any] = {}
    if not isinstance(pairs, list | tuple):
        raise TypeError
    for key, value in pairs:
        put(found, key, value)
    return found


def _dictionary_with_usual(*_: Any) -> dict[Any, Any]:
    return {}


def put(items: dict[Any, Any], key: Any, value: Any) -> None:
    """Set an item; a key that is not text or a number of 64 bits is not hashed, which could take forever."""
    plain = isinstance(key, str) or (isinstance(key, int) and abs(key) < 1 << 63)
    items[key if plain else Foreign(kind_of(key))] = value


def kind_of(value: Any) -> str:
    """Return in words what a value from a pickle is."""
    if isinstance(value, Name):
        return value.dotted
    if isinstance(value, Foreign):
        return value.kind
    return "tensor" if isinstance(value, View) else type(value).__name__


_MADE: dict[str, Callable[..., Any]] = {
    "collections OrderedDict": _dictionary,
    "collections defaultdict": _dictionary_with_usual,
    "torch._utils _rebuild_tensor": _oldest_view,
    "torch._utils _rebuild_tensor_v2": _view,
    "torch._utils _rebuild_parameter": _parameter,
    "torch._utils _rebuild_parameter_with_state": _parameter,
}
