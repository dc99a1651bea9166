"""A pruner's settings: each field declares its range, which is checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

from mipp_core.errors import SettingError


@dataclass(frozen=True)
class Range:
    """The values that a setting may have.

    Attributes:
        words: the range, as the end of a sentence: "at least 1".
        kind: type of every value: int, float (whole numbers included), str, bool, or tuple for several whole numbers.
        least: the smallest value; None for no limit.
        above: a limit that every value exceeds; None for none.
        below: a limit that every value stays under; None for none.
        names: the values themselves, where there are only a few.
    """

    words: str
    kind: type
    least: int | float | None = None
    above: int | float | None = None
    below: int | float | None = None
    names: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Tell whether a value is in the range."""
        if self.kind is tuple:
            return isinstance(value, tuple) and all(self._is_number(each, int) for each in value)
        if self.kind in (bool, str):
            return isinstance(value, bool) if self.kind is bool else value in self.names
        return self._is_number(value, self.kind)

    def _is_number(self, value: Any, kind: type) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float) or not isfinite(value):
            return False
        return (
            (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


def at_least(least: int) -> Range:
    """Return the range of whole numbers that are at least ``least``."""
    return Range(f"at least {least}", int, least=least)


def widths() -> Range:
    """Return the range of tuples of whole numbers of at least 1."""
    return Range("whole numbers of at least 1", tuple, least=1)


def above_zero() -> Range:
    """Return the range of positive numbers."""
    return Range("above 0", float, above=0)


def share(including_zero: bool = False) -> Range:
    """Return the range of shares: above 0 and below 1, or from 0 and below 1."""
    if including_zero:
        return Range("at least 0 and below 1", float, least=0, below=1)
    return Range("above 0 and below 1", float, above=0, below=1)


def one_of(names: Sequence[str]) -> Range:
    """Return the range that consists of a few names."""
    *others, last = names
    return Range(f"{', '.join(others)} or {last}", str, names=tuple(names))


def on_or_off() -> Range:
    """Return the range of switches."""
    return Range("true or false", bool)


def setting(default: Any, range_: Range) -> Any:
    """Declare a field of a pruner with its default and its range."""
    return field(default=default, metadata={"range": range_})


def ranges(kind: type) -> dict[str, Range]:
    """Return the ranges of a pruner's settings by name."""
    return {each.name: each.metadata["range"] for each in fields(kind) if "range" in each.metadata}


def as_ranged(kind: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with 2 as 2.0 where a setting is a number with decimal places: both name the same run."""
    numbers = {name: range_ for name, range_ in ranges(kind).items() if range_.kind is float}
    return {
        name: float(value) if type(value) is int and name in numbers and numbers[name].holds(value) else value
        for name, value in settings.items()
    }


def require_in_range(settings: Any) -> None:
    """Refuse settings if one is out of its range.

    Raises:
        SettingError: names the setting, its value and the range.
    """
    for name, range_ in ranges(type(settings)).items():
        value = getattr(settings, name)
        if not range_.holds(value):
            raise SettingError(f"The setting {name} is {value!r}; it must be {range_.words}.")
