"""Reads pickles of tensors as plain values: nothing is imported, called or allocated because the file says so.

The instructions are those that ``torch.save`` and ``pickle.dump`` write; others are refused.  A tensor becomes a
``View`` that describes it.  An object of any other class becomes a ``Foreign``, an empty stand-in, so that weights can
be read beside it.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mipp_core.checkpoints.stored import LARGEST_HEADER, refused, shown
from mipp_core.checkpoints.views import Foreign, Name, Record, View, made, put, record_of

_MOST_INSTRUCTIONS = 100_000
"""In one pickle; a state dict takes about 40 per tensor."""


@dataclass(frozen=True)
class Pickled:
    """What a pickle describes.

    Attributes:
        value: dictionaries, lists, tuples, numbers, text, and views, names and foreign objects in them.
        records: all records of numbers that it mentions, by key.
        end: place of the first byte after it.
    """

    value: Any
    records: dict[str, Record]
    end: int


def read_pickle(content: bytes, start: int = 0) -> Pickled:
    """Read the pickle that begins at a place; time and memory are proportional to its length.

    Raises:
        DataError: it is damaged or too long, or uses anything that tensors and plain values do not need; says what.
    """
    head = io.BytesIO(content[start : start + LARGEST_HEADER])
    machine = _Machine()
    try:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(head)):
            if count == _MOST_INSTRUCTIONS:
                raise refused(f"its pickle has more than {_MOST_INSTRUCTIONS} instructions", "save the weights alone")
            machine.follow(instruction.name, argument)
        return Pickled(machine.stack.pop(), machine.records, start + head.tell())
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as problem:
        if len(content) - start > LARGEST_HEADER:
            raise refused(f"its pickle has more than {LARGEST_HEADER} bytes", "save the weights alone") from problem
        raise refused(f"its pickle is damaged ({type(problem).__name__})") from problem


class _Machine:
    """A stack, a memory, and the instructions that are followed."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.records: dict[str, Record] = {}
        self._outer: list[list[Any]] = []
        self._memory: dict[int, Any] = {}

    def follow(self, name: str, argument: Any) -> None:
        if name in _ARGUMENTS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _FOREIGN:
            self.stack.append(Foreign(_FOREIGN[name]))
        elif name in _TUPLES:
            self.stack.append(tuple(self._popped(_TUPLES[name])))
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name not in _IDLE:
            raise refused(f"its pickle uses {name}, which no file of weights needs")

    def _popped(self, count: int) -> list[Any]:
        return [self.stack.pop() for _ in range(count)][::-1]

    def mark(self, _: Any) -> None:
        self._outer.append(self.stack)
        self.stack = []

    def _marked(self) -> list[Any]:
        """Take what was pushed since the last mark."""
        found, self.stack = self.stack, self._outer.pop()
        return found

    def remember(self, place: int) -> None:
        self._memory[place] = self.stack[-1]

    def remember_next(self, _: Any) -> None:
        self._memory[len(self._memory)] = self.stack[-1]

    def recall(self, place: int) -> None:
        self.stack.append(self._memory[place])

    def pack(self, _: Any) -> None:
        packed = tuple(self._marked())  # puts the outer stack back first
        self.stack.append(packed)

    def set_item(self, _: Any) -> None:
        self._fill(self._popped(2))

    def set_items(self, _: Any) -> None:
        self._fill(self._marked())

    def _fill(self, items: list[Any]) -> None:
        filled = _like((dict, Foreign), self.stack[-1])
        for key, value in zip(items[::2], items[1::2], strict=True):
            put(filled.items if isinstance(filled, Foreign) else filled, key, value)

    def append(self, _: Any) -> None:
        self._extend(self._popped(1))

    def append_all(self, _: Any) -> None:
        self._extend(self._marked())

    def _extend(self, values: list[Any]) -> None:
        extended = _like((list, Foreign), self.stack[-1])
        if isinstance(extended, list):
            extended.extend(values)

    def freeze(self, _: Any) -> None:
        self._marked()
        self.stack.append(Foreign("frozenset"))

    def mention(self, text: str) -> None:
        self.stack.append(Name(text))

    def mention_popped(self, _: Any) -> None:
        module, name = self._popped(2)
        self.mention(f"{_like(str, module)} {_like(str, name)}")

    def refer(self, _: Any) -> None:
        found = record_of(self.stack.pop())
        if isinstance(found, Record):
            known = self.records.setdefault(found.key, found)
            if (known.dtype, known.count) != (found.dtype, found.count):
                raise refused(f"its pickle describes the record {shown(found.key)} in two ways")
        self.stack.append(found)

    def call(self, _: Any) -> None:
        self.stack.append(made(*self._popped(2)))

    def call_named(self, _: Any) -> None:
        """Stand in for a call with arguments by name, which no tensor needs."""
        called, arguments, _named = self._popped(3)
        made(called, arguments)
        self.stack.append(Foreign(_like(Name, called).dotted))

    def call_marked(self, _: Any) -> None:
        called, *arguments = self._marked()
        self.stack.append(made(called, tuple(arguments)))

    def call_mentioned(self, text: str) -> None:
        arguments = tuple(self._marked())
        self.stack.append(made(Name(text), arguments))

    def describe(self, _: Any) -> None:
        """Drop an object's attributes, such as a state dict's ``_metadata``."""
        state = self.stack.pop()
        described = _like((dict, Foreign, View), self.stack[-1])
        if isinstance(described, Foreign):
            described.describe(state)


def _like(kind: type | tuple[type, ...], value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


_IDLE = {"PROTO", "FRAME", "STOP"}

_ARGUMENTS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"),
}

_FOREIGN = {
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), "bytes"),
    "BYTEARRAY8": "bytearray",
    "EMPTY_SET": "set",
}
"""Instruction -> what it makes, which no tensor needs."""

_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}

_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}

_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "TUPLE": _Machine.pack,
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "MEMOIZE": _Machine.remember_next,
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.append_all,
    "ADDITEMS": _Machine.append_all,
    "FROZENSET": _Machine.freeze,
    "GLOBAL": _Machine.mention,
    "STACK_GLOBAL": _Machine.mention_popped,
    "BINPERSID": _Machine.refer,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "NEWOBJ_EX": _Machine.call_named,
    "OBJ": _Machine.call_marked,
    "INST": _Machine.call_mentioned,
    "BUILD": _Machine.describe,
}
