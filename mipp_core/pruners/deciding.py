"""From the decisions of a pruner that decides to keep-masks."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Selection, keep_global
from mipp_core.cutting.targets import Target, keep_at
from mipp_core.data.dataset import Split
from mipp_core.information.terc import Decision, keep_masks, staying_power
from mipp_core.network.layers import wiring_of
from mipp_core.vocabulary import INPUT


def masks_at_levels(model: nn.Module, decisions: list[Decision], levels: int, data: Split) -> list[KeepMasks]:
    """Fold the decisions of a pruner into one keep-mask per level."""
    widths = {layer.name: layer.units for layer in wiring_of(model).layers}
    if any(decision.layer == INPUT for decision in decisions):
        widths = {INPUT: data.images[0].numel(), **widths}
    by_layer = {
        name: keep_masks([d for d in decisions if d.layer == name], units, levels) for name, units in widths.items()
    }
    return [KeepMasks({name: rows[level] for name, rows in by_layer.items()}) for level in range(levels)]


def masks_between_levels(
    widths: Mapping[str, int], decisions: list[Decision], sparsities: tuple[float, ...]
) -> list[KeepMasks]:
    """Return a deciding pruner's keep-masks at given sparsities: its units go in the order in which it gives them up.

    Args:
        widths: units of every layer.
        decisions: at all levels.
        sparsities: each in [0, 1].
    """
    return [keep_global(_powers(widths, decisions), sparsity) for sparsity in sparsities]


def masks_at_targets(decisions: list[Decision], targets: Sequence[Target], counter: Counter) -> list[KeepMasks]:
    """Return a deciding pruner's keep-masks at targets; see ``masks_between_levels``.

    Raises:
        SettingError: a target cannot be reached.
    """
    widths = {layer.name: layer.units for layer in counter.wiring.layers}
    if all(target.of == "units" for target in targets):
        return masks_between_levels(widths, decisions, tuple(target.share for target in targets))
    scores = _powers(widths, decisions)
    return [keep_at(target, scores, Selection("global"), counter) for target in targets]


def _powers(widths: Mapping[str, int], decisions: list[Decision]) -> dict[str, Tensor]:
    return {name: staying_power([d for d in decisions if d.layer == name], units) for name, units in widths.items()}
