"""Which tensors of a file are the weights of a network: outer names and prefixes of any kind are looked through."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from torch import Tensor

from mipp_core.checkpoints.fitting import is_alike, is_count
from mipp_core.checkpoints.holdings import Content, Holding
from mipp_core.checkpoints.stored import Stored, refused, shown
from mipp_core.errors import SettingError

_USUAL = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "")
"""What the plain weights are usually called, among others."""

_NAMELESS = "the one without an outer name"

_WRAPPERS = ("module", "_orig_mod")
"""What wrappers such as ``DataParallel`` and ``torch.compile`` put before names; no part of an entry's name."""

_AVERAGED = {"ema", "swa", "averaged", "average", "avg", "shadow", "polyak"}
"""Words that say that weights are averages over the steps of a training."""

_BETWEEN_WORDS = re.compile(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LISTED = 6
"""Most names listed in a message."""


@dataclass(frozen=True)
class Entry:
    """One set of weights in a file.

    Attributes:
        holding: the dictionary it is in.
        prefix: what stands before every name.
        votes: how many of the network's names it has.
        others: prefixes of other sets in the same dictionary.
    """

    holding: Holding
    prefix: str
    votes: int
    others: tuple[str, ...] = field(default=(), compare=False)

    @property
    def parts(self) -> tuple[str, ...]:
        """Outer names and prefixes, from outside to inside."""
        return (*self.holding.path, *filter(None, self.prefix.split(".")))

    @property
    def name(self) -> str:
        """What it is called, without wrappers; empty if nothing names it."""
        return ".".join(part for part in self.parts if part not in _WRAPPERS)

    @property
    def called(self) -> str:
        """Its name in a message."""
        return shown(self.name) if self.name else _NAMELESS

    @property
    def is_average(self) -> bool:
        """Tell whether its name says that its weights are averages."""
        words = (word.lower() for part in self.parts for word in _BETWEEN_WORDS.split(part))
        return any(word in _AVERAGED for word in words)

    def names(self) -> list[str]:
        """Return the names in its dictionary that are its own, prefix included, tensors or not."""
        mine = [name for name in (*self.holding.tensors, *self.holding.strange) if name.startswith(self.prefix)]
        return [name for name in mine if not name.startswith(self.others)] if self.others else mine


def entries_of(content: Content, wanted: dict[str, Tensor]) -> list[Entry]:
    """Return the sets of weights that have all of a network's names and shapes, those to be preferred first.

    Plain weights come before averaged ones, and those called as usual before others.
    """
    asked = {name for name in wanted if not is_count(name)}
    found = [entry for entry in _voted(content, wanted) if entry.votes >= len(asked) and _fits(entry, wanted, asked)]
    found = [_apart(entry, found) for entry in found]
    return sorted(found, key=lambda entry: (entry.is_average, _USUAL.index(entry.name) if entry.name in _USUAL else 99))


def _fits(entry: Entry, wanted: dict[str, Tensor], asked: Iterable[str]) -> bool:
    tensors = entry.holding.tensors
    found = {each: tensors.get(entry.prefix + each) for each in asked}
    return all(
        tensor is not None and tensor.shape == wanted[each].shape and is_alike(tensor.dtype, wanted[each].dtype)
        for each, tensor in found.items()
    )


def _apart(entry: Entry, all_found: list[Entry]) -> Entry:
    """Say which other sets are in the same dictionary, so that their tensors are not taken for this one's."""
    others = [each.prefix for each in all_found if each.holding is entry.holding and each is not entry]
    inside = tuple(prefix for prefix in others if prefix.startswith(entry.prefix))
    return Entry(entry.holding, entry.prefix, entry.votes, inside)


def _voted(content: Content, wanted: dict[str, Tensor]) -> list[Entry]:
    """Return every prefix in every dictionary that stands before names of the network, with their number."""
    deepest = max((name.count(".") for name in wanted), default=0)
    found: list[Entry] = []
    for holding in content.holdings:
        votes: Counter[str] = Counter()
        for name in (*holding.tensors, *holding.strange):
            votes.update(_prefixes(name, wanted, deepest))
        found += [Entry(holding, prefix, count) for prefix, count in votes.items()]
    return found


def _prefixes(name: str, wanted: dict[str, Tensor], deepest: int) -> list[str]:
    """Return what may stand before one of the network's names to give this one; counts of batches do not say."""
    starts, at = [0], len(name)
    for _ in range(deepest + 1):
        at = name.rfind(".", 0, at)
        if at < 0:
            break
        starts.append(at + 1)
    return [name[:start] for start in set(starts) if name[start:] in wanted and not is_count(name[start:])]


def chosen(content: Content, wanted: dict[str, Tensor], asked: str) -> tuple[Entry, list[Entry]]:
    """Return the set of weights to take and all that fit; where none fits, the one that comes closest.

    Args:
        content: the file's.
        wanted: the network's state dict.
        asked: the name of a set; empty for the one to be preferred.

    Raises:
        SettingError: no set has the name that is asked for, or several have.
    """
    fitting = entries_of(content, wanted)
    if asked:
        near = [entry for entry in _voted(content, wanted) if entry.votes > len(wanted) // 4]
        return _named(asked, fitting, near or fitting), fitting
    return fitting[0] if fitting else _closest(content, wanted), fitting


def _named(asked: str, fitting: list[Entry], near: list[Entry]) -> Entry:
    for found in ([each for each in group if _is_called(each, asked)] for group in (fitting, near)):
        exact = [entry for entry in found if entry.name == asked] or found
        if len(exact) == 1:
            return exact[0]
        if found:
            names = _listed([shown(".".join(entry.parts)) for entry in exact])
            raise SettingError(f"Several entries of the file are called {shown(asked)}; choose one of: {names}.")
    names = _listed([entry.called for entry in fitting or near])
    raise SettingError(
        f"No weights in the file are called {shown(asked)}; "
        + (f"choose one of: {names}." if names else "leave the entry out.")
    )


def _is_called(entry: Entry, asked: str) -> bool:
    return asked in (entry.name, ".".join(entry.parts), *entry.parts)


def _listed(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _closest(content: Content, wanted: dict[str, Tensor]) -> Entry:
    """Return the set with most of the network's names, else the largest dictionary: what is wrong is said of it."""
    voted = _voted(content, wanted)
    if voted:
        return max(voted, key=lambda entry: (entry.votes, not entry.is_average))
    return Entry(max(content.holdings, key=lambda holding: len(holding.tensors)), "", 0)


def stored_in(entry: Entry, content: Content, wanted: dict[str, Tensor]) -> dict[str, Stored]:
    """Return a set's tensors by the network's names; what the network does not have keeps its own.

    Raises:
        DataError: something else stands where a tensor should be, or the file does not hold what it describes.
    """
    found: dict[str, Stored] = {}
    for name in entry.names():
        own = name.removeprefix(entry.prefix)
        if name in entry.holding.tensors:
            found[own] = content.store(name, entry.holding.tensors[name])
        elif own in wanted:
            raise refused(
                f"its {shown(name)} is {entry.holding.strange[name]}; a tensor should be there",
                "save the network's state_dict() with torch.save, or as safetensors, and give that file",
            )
    return found
