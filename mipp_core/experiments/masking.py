"""From a specification to keep-masks, one per point of the sweep."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import keep_counts
from mipp_core.cutting.targets import Target
from mipp_core.data import Split
from mipp_core.errors import SettingError
from mipp_core.information import LEVELS, confidence_of
from mipp_core.information.terc import Decision
from mipp_core.pruners import PRUNERS, Decider, Ranker, Task, pruner
from mipp_core.pruners.deciding import masks_at_levels, masks_at_targets
from mipp_core.runs.document import DecisionColumns
from mipp_core.runs.result import decisions_of
from mipp_core.vocabulary import INPUT


@dataclass(frozen=True)
class Point:
    """One keep-mask of a sweep: its number there, and the confidence it belongs to, if any."""

    level: int
    masks: KeepMasks
    confidence: float | None


def schedule() -> tuple[float, ...]:
    """Return the paper's 20 confidences."""
    return tuple(confidence_of(level) for level in range(LEVELS))


def even_steps() -> tuple[float, ...]:
    """Return 20 even steps of sparsity, 0 to 0.95."""
    return tuple(level / LEVELS for level in range(LEVELS))


def decided_points(pruner: Decider, task: Task, confidences: tuple[float, ...]) -> tuple[list[Point], list[Decision]]:
    """Ask a pruner that decides for its keep-masks at every confidence."""
    decisions = pruner.decide(task.model, task.data, task.seed, confidences, task.report)
    masks = masks_at_levels(task.model, decisions, len(confidences), task.data)
    return [Point(n, *pair) for n, pair in enumerate(zip(masks, confidences, strict=True))], decisions


def control_masks(name: str, masks: KeepMasks, model: nn.Module, data: Split, seed: int) -> KeepMasks:
    """Choose other units at the same per-layer counts; the pixels stay as they are."""
    control = pruner(name)
    if not isinstance(control, Ranker):
        raise SettingError(f"{name} cannot be a control; choose a pruner that ranks, of: {', '.join(PRUNERS)}.")
    chosen = keep_counts(control.scores(model, data, seed), masks.without_input().kept)
    return KeepMasks({INPUT: masks[INPUT], **chosen}) if INPUT in masks else chosen


def bare(masks: KeepMasks) -> dict[str, list[int]]:
    """Return the kept units as plain JSON."""
    return {name: mask.nonzero().flatten().tolist() for name, mask in masks.items()}


def rows_of(points: list[Point]) -> list[dict[str, Any]]:
    """Return points as plain JSON; ``points_of`` reads them back."""
    return [{"masks": point.masks.to_json(), "confidence": point.confidence} for point in points]


def points_of(rows: list[dict[str, Any]]) -> list[Point]:
    """Read what ``rows_of`` made."""
    return [Point(n, KeepMasks.from_json(row["masks"]), row["confidence"]) for n, row in enumerate(rows)]


def between_levels(columns: DecisionColumns, targets: tuple[Target, ...], counter: Counter) -> list[Point]:
    """Take a deciding pruner's units in the order in which it gives them up."""
    found = masks_at_targets(decisions_of(columns), targets, counter)
    return [Point(number, masks, None) for number, masks in enumerate(found)]
