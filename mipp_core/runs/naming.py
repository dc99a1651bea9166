"""Names of runs and stages: sixteen hexadecimal digits that follow from all that decides the result."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

_NEUTRAL = Path(__file__).parent / "neutral.json"
"""Class -> field -> the value under which the field is left out of a name."""


def digest(value: Any, revisions: Mapping[str, int] | None = None) -> str:
    """Name a specification by its content and by the revisions of the code it asks for.

    A field at its *neutral* value is left out, so that a field that is added later changes no name.  Neutral values are
    kept in ``neutral.json`` and are never changed: they are not the defaults, which may change, and then change names.
    Where one follows from other fields, the specification's property ``neutral`` has it.

    Args:
        value: a specification, or plain JSON with specifications in it.
        revisions: of the code that a result was made by, as its document records them; by default those of this code.
    """
    canonical = json.dumps(_named(value, revisions), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """Turn nested dataclasses into JSON values, every field of them."""
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def revisions_in(value: Any) -> dict[str, int]:
    """Return the revisions of all code that a specification asks for, by what they belong to."""
    found = dict(getattr(value, "revisions", {}))
    if is_dataclass(value):
        for each in fields(value):
            found |= revisions_in(getattr(value, each.name))
    return found


def _named(value: Any, revisions: Mapping[str, int] | None) -> Any:
    """Return the part of a value that goes into its name."""
    if is_dataclass(value):
        neutral = {**neutral_values().get(type(value).__name__, {}), **getattr(value, "neutral", {})}
        own = {each.name: getattr(value, each.name) for each in fields(value)}
        kept = {name: item for name, item in own.items() if not _is_neutral(name, item, neutral, revisions)}
        raised = _raised(getattr(value, "revisions", {}), revisions)
        return _named(kept, revisions) | ({"revisions": raised} if raised else {})
    if isinstance(value, Mapping):
        return {key: _named(item, revisions) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_named(item, revisions) for item in value]
    return value


def _is_neutral(name: str, value: Any, neutral: Mapping[str, Any], revisions: Mapping[str, int] | None) -> bool:
    return name in neutral and plain(value) == neutral[name] and not _raised(revisions_in(value), revisions)


def _raised(now: Mapping[str, int], then: Mapping[str, int] | None) -> dict[str, int]:
    """Return the revisions above 1: of this code, or of the code that made a result."""
    known = now if then is None else {name: then.get(name, 1) for name in now}
    return {name: number for name, number in known.items() if number != 1}


@cache
def neutral_values() -> Mapping[str, Mapping[str, Any]]:
    """Return the neutral values, class by class."""
    return json.loads(_NEUTRAL.read_text())
