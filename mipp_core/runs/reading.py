"""Parts of a run's description, read from plain JSON."""

from collections.abc import Mapping
from typing import Any

from mipp_core.augmentation import Augmentation
from mipp_core.errors import SettingError
from mipp_core.training import Recipe


def recipe_of(value: Mapping[str, Any]) -> Recipe:
    """Read a recipe; one from before augmentation existed has no such field."""
    augmentation = value.get("augmentation")
    return Recipe(
        **{**tuples_in(value), "augmentation": None if augmentation is None else Augmentation(**augmentation)},
    )


def tuples_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def unreadable(problem: Exception) -> SettingError:
    """Return the error of a description that lacks something."""
    return SettingError(f"This run's description cannot be read ({problem}); make it again.")
