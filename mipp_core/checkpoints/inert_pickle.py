"""Reads pickled state dicts as plain values: nothing is imported, called or allocated because the file says so.

``torch.save`` writes state dicts with about twenty-five of pickle's instructions.  Exactly those are followed; a tensor
becomes a ``View`` that describes it, and anything else is refused.
"""

import pickletools
from collections.abc import Callable
from typing import Any

from mipp_core.checkpoints.stored import refused
from mipp_core.checkpoints.views import made, name_of, record_of

_MOST_INSTRUCTIONS = 100_000
"""In one pickle; a state dict takes about 40 per tensor."""


def read_pickle(content: bytes) -> Any:
    """Return the dictionaries, lists, tuples, numbers, strings and views that a pickle describes.

    Time and memory are proportional to its length.

    Raises:
        DataError: it is damaged, or uses anything that a state dict does not need; says what.
    """
    machine = _Machine()
    try:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(content)):
            if count == _MOST_INSTRUCTIONS:
                raise refused(f"its pickle has more than {_MOST_INSTRUCTIONS} instructions", "save the weights alone")
            machine.follow(instruction.name, argument)
        return machine.stack.pop()
    except (ValueError, IndexError, KeyError, TypeError) as problem:
        raise refused(f"its pickle is damaged ({type(problem).__name__})") from problem


class _Machine:
    """A stack, a memory, and the instructions of a state dict."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._outer: list[list[Any]] = []
        self._memory: dict[int, Any] = {}

    def follow(self, name: str, argument: Any) -> None:
        if name in _ARGUMENTS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _TUPLES:
            self.stack.append(tuple(self._popped(_TUPLES[name])))
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name not in _IDLE:
            raise refused(f"its pickle uses {name}, which no state dict needs")

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
        filled = _like(dict, self.stack[-1])
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int):  # nested tuples can take forever to hash
                raise refused(f"its pickle has a dictionary with keys of type {type(key).__name__}")
            filled[key] = value

    def append(self, _: Any) -> None:
        self._extend(self._popped(1))

    def append_all(self, _: Any) -> None:
        self._extend(self._marked())

    def _extend(self, values: list[Any]) -> None:
        _like(list, self.stack[-1]).extend(values)

    def mention(self, text: str) -> None:
        self.stack.append(name_of(text))

    def refer(self, _: Any) -> None:
        self.stack.append(record_of(self.stack.pop()))

    def call(self, _: Any) -> None:
        self.stack.append(made(*self._popped(2)))

    def describe(self, _: Any) -> None:
        """Drop a dictionary's attributes: its ``_metadata``."""
        self.stack.pop()
        _like(dict, self.stack[-1])


def _like(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


_IDLE = {"PROTO", "STOP"}

_ARGUMENTS = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"}

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
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.append_all,
    "GLOBAL": _Machine.mention,
    "BINPERSID": _Machine.refer,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.describe,
}
