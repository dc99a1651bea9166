"""From scores to keep-masks, for every ranking pruner: exact counts, and ties broken the same way every time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from mipp_core.cutting.masks import KeepMasks
from mipp_core.errors import SettingError

Scope = Literal["global", "layer"]
"""How a sparsity is spread: remove the lowest scores of the whole network, or the same share of every layer."""


@dataclass(frozen=True)
class Selection:
    """How scores and a sparsity become keep-masks.

    Attributes:
        scope: whether scores are compared across the network or within each layer.
        floor: units of each layer that are never removed; 0 lets layers collapse.

    Raises:
        SettingError: the scope is unknown, or the floor is below 0.
    """

    revision: ClassVar[int] = 1
    """Raised when equal scores give other keep-masks."""

    scope: Scope = "global"
    floor: int = 0

    @property
    def revisions(self) -> dict[str, int]:
        """The revision of how scores become keep-masks."""
        return {"selection": self.revision}

    def __post_init__(self) -> None:
        if self.scope not in get_args(Scope):
            raise SettingError(f"The scope is {self.scope!r}; it must be {' or '.join(get_args(Scope))}.")
        if self.floor < 0:
            raise SettingError(f"The floor is {self.floor}; it must be at least 0 units.")

    def keep(self, scores: Mapping[str, Tensor], sparsity: float) -> KeepMasks:
        """Keep the highest-scoring units at this sparsity, in [0, 1]."""
        choose = keep_global if self.scope == "global" else keep_per_layer
        return choose(scores, sparsity, self.floor)

    def remove(self, scores: Mapping[str, Tensor], count: int) -> KeepMasks:
        """Remove exactly ``count`` units, the lowest-scoring; with scope ``layer`` all layers lose alike, to one unit.

        Args:
            scores: one score per unit and layer.
            count: from 0 to ``most(widths)``.
        """
        comparable = scores if self.scope == "global" else places(scores)
        return keep_global(comparable, count / sum(map(len, scores.values())), self.floor)

    def most(self, widths: Mapping[str, int]) -> int:
        """Return how many units can be removed at most.

        Args:
            widths: units of each layer.
        """
        return sum(max(0, units - self.floor) for units in widths.values())


def keep_per_layer(scores: Mapping[str, Tensor], sparsity: float, floor: int = 0) -> KeepMasks:
    """Remove round(sparsity * units) of every layer's units, the lowest-scoring, but never the best ``floor``.

    Raises:
        SettingError: the sparsity is outside [0, 1], or a score is not a number.
    """
    _require_share(sparsity)
    widths = {name: len(values) for name, values in scores.items()}
    return keep_counts(scores, {n: max(min(floor, w), w - round(sparsity * w)) for n, w in widths.items()})


def places(scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Replace every score by its place in its layer, in (0, 1), so that layers of any widths can be compared.

    Raises:
        SettingError: a score is not a number.
    """
    found = {}
    for name, values in scores.items():
        _require_numbers(name, values)
        best_first = values.argsort(descending=True, stable=True)
        place = torch.empty(len(values), dtype=torch.float64)
        place[best_first] = 1 - (torch.arange(len(values), dtype=torch.float64) + 0.5) / len(values)
        found[name] = place
    return found


def keep_counts(scores: Mapping[str, Tensor], counts: Mapping[str, int]) -> KeepMasks:
    """Keep exactly ``counts`` of each layer's highest-scoring units; of equal scores the first unit stays.

    Raises:
        SettingError: a count is below 0 or above the layer's width, or a score is not a number.
    """
    return KeepMasks({name: _top(name, values, counts[name]) for name, values in scores.items()})


def keep_global(scores: Mapping[str, Tensor], sparsity: float, floor: int = 0) -> KeepMasks:
    """Remove exactly round(sparsity * units) units, the lowest-scoring of the whole network.

    Args:
        scores: one score per unit and layer, comparable across layers.
        sparsity: share of all units to remove, in [0, 1].
        floor: how many of each layer's best units are never removed; 0 lets layers collapse.

    Raises:
        SettingError: the sparsity is outside [0, 1], the floor leaves too few units to remove, or a score is not a
            number.
    """
    _require_share(sparsity)
    safe = [_top(name, values, min(floor, len(values))) for name, values in scores.items()]
    flat = torch.cat([values.double() for values in scores.values()])
    best_first = flat.argsort(descending=True, stable=True)
    best_first = best_first[torch.cat(safe)[best_first].int().argsort(descending=True, stable=True)]
    removed = round(sparsity * len(flat))
    if removed > len(flat) - int(torch.cat(safe).sum()):
        raise SettingError(
            f"A sparsity of {sparsity} cannot leave {floor} units in every layer; lower the sparsity or the floor."
        )
    keep = torch.zeros(len(flat), dtype=torch.bool)
    keep[best_first[: len(flat) - removed]] = True
    parts = keep.split([len(values) for values in scores.values()])
    return KeepMasks(dict(zip(scores, parts, strict=True)))


def _require_share(sparsity: float) -> None:
    if not 0.0 <= sparsity <= 1.0:
        raise SettingError(f"The sparsity {sparsity} is outside [0, 1]; choose 0 (keep all) to 1 (remove all).")


def _top(name: str, values: Tensor, count: int) -> Tensor:
    _require_numbers(name, values)
    if not 0 <= count <= len(values):
        raise SettingError(f"Layer {name} has {len(values)} units; it cannot keep {count}.")
    keep = torch.zeros(len(values), dtype=torch.bool)
    keep[values.argsort(descending=True, stable=True)[:count]] = True
    return keep


def _require_numbers(name: str, values: Tensor) -> None:
    if values.isnan().any():
        raise SettingError(
            f"Layer {name} has {int(values.isnan().sum())} scores that are not numbers; its weights or activations "
            "have diverged. Train the network again with a lower learning rate."
        )
