"""Where in a file tensors are: its dictionaries, however they are nested."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from mipp_core.checkpoints.stored import Stored, refused, shown
from mipp_core.checkpoints.views import Foreign, Name, View, kind_of

_DEEPEST = 16
"""Dictionaries nested deeper than this are not looked into."""

_LONGEST_NAME = 300
"""Characters of a tensor's name, or of a dictionary's; those of networks have up to 100."""


class Described(Protocol):
    """A tensor in a file, as far as it is described there."""

    @property
    def dtype(self) -> torch.dtype:
        """Of its elements."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""


@dataclass(frozen=True)
class Holding:
    """One dictionary of a file.

    Attributes:
        path: the keys that lead to it, from outside to inside; empty for the file's own.
        tensors: by name.
        strange: name -> what it is in words, of entries that are neither tensors nor looked into.
    """

    path: tuple[str, ...]
    tensors: dict[str, Any]
    strange: dict[str, str]


@dataclass(frozen=True)
class Content:
    """What a file holds, before any memory is taken for it.

    Attributes:
        holdings: its dictionaries in the order of the file, an outer one before those in it.
        store: checks a tensor of a holding, given its name, against the file's bytes; raises ``DataError``.
    """

    holdings: tuple[Holding, ...]
    store: Callable[[str, Any], Stored]


def holdings_of(value: Any) -> tuple[Holding, ...]:
    """Return the dictionaries with tensors in what a pickle describes; each is looked at once.

    Raises:
        DataError: there is no tensor with a name; says what there is in its place.
    """
    found = list(_walk(value))
    if any(holding.tensors for holding in found) or value == {}:
        return tuple(found)
    raise _nothing(value, found)


def _walk(value: Any) -> Iterator[Holding]:
    """Look into dictionaries, lists and tuples, without recursion, as a pickle can nest them at will."""
    seen: set[int] = set()
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while waiting:
        path, outer = waiting.pop()
        if id(outer) in seen or len(path) > _DEEPEST:
            continue
        seen.add(id(outer))
        items = _items(outer)
        inner = [(_text(key), item) for key, item in items.items() if _is_nest(item)]
        waiting += [((*path, key), item) for key, item in reversed(inner) if _is_name(key)]
        if not isinstance(outer, list | tuple):
            named = {key: item for key, item in items.items() if isinstance(key, str) and _is_name(key)}
            yield Holding(
                path,
                {key: item for key, item in named.items() if isinstance(item, View)},
                {key: _words(item) for key, item in named.items() if not isinstance(item, View)},
            )


def _items(outer: Any) -> dict[Any, Any]:
    if isinstance(outer, dict):
        return outer
    if isinstance(outer, Foreign):
        return outer.items
    return dict(enumerate(outer)) if isinstance(outer, list | tuple) else {}


def _text(key: Any) -> str:
    return key if isinstance(key, str) else str(key) if isinstance(key, int) else kind_of(key)


def _is_nest(value: Any) -> bool:
    return isinstance(value, dict | list | tuple) or (isinstance(value, Foreign) and bool(value.items))


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME


def _words(value: Any) -> str:
    """Say what an entry is that is not a tensor."""
    if isinstance(value, Foreign | Name):
        network = isinstance(value, Foreign) and value.is_network
        kind = "a whole network, " if network else "an object, "
        return f"{kind}{shown(kind_of(value))}, and nothing is executed here"
    return f"of the type {shown(kind_of(value))}"


def _nothing(value: Any, found: list[Holding]) -> Exception:
    """Return the refusal of a file without a single tensor that has a name."""
    if isinstance(value, Foreign | Name) and not _is_nest(value):
        return _without_objects(f"it holds {_words(value)}")
    if not isinstance(value, dict | Foreign):
        return refused(f"it holds a {kind_of(value)}, not a state dict")
    objects = [
        (name, words) for holding in found for name, words in holding.strange.items() if words.endswith("executed here")
    ]
    if objects:
        return _without_objects(f"its entry {shown(objects[0][0])} is {objects[0][1]}")
    strange = next(iter(_items(value)))
    if isinstance(strange, Foreign):
        return refused(f"it has a dictionary with keys of type {shown(strange.kind)}, and no tensor with a name")
    return refused(f"{shown(strange)} in its state dict is not a tensor with a name, nor is anything else")


def _without_objects(why: str) -> Exception:
    return refused(why, "save its state_dict() with torch.save, or as safetensors, and give that file")
