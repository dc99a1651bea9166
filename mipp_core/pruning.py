"""One call: prune any network with images of your own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.pixels import with_pixel_mask
from mipp_core.cutting.rebuilding import rebuild as rebuild_network
from mipp_core.cutting.recalibration import recalibrate as recalibrate_network
from mipp_core.cutting.selection import Scope, Selection
from mipp_core.cutting.surgery import check_exact, cut_difference, shrink
from mipp_core.cutting.transplanting import transplanted
from mipp_core.errors import SettingError
from mipp_core.information.confidence import LEVELS, confidence_of
from mipp_core.information.terc import Decision
from mipp_core.network.layers import wiring_of
from mipp_core.network.recording import recorded
from mipp_core.network.unwrapping import unwrapped
from mipp_core.own_data import Images, data_for
from mipp_core.own_files import names_a_file
from mipp_core.pruners import Decider, Pruner, Ranker, Task, load_pruner
from mipp_core.pruners import pruner as pruner_named
from mipp_core.pruners.contract import cannot_train
from mipp_core.pruners.deciding import masks_at_levels, masks_between_levels
from mipp_core.vocabulary import Report, silent

_COMPARED = 64
"""Images on which the cut network is compared with the masked one."""


@dataclass(frozen=True)
class Pruned:
    """What ``prune`` gives.

    Attributes:
        network: the smaller network, on the device and in the mode of the one that was pruned.
        masks: which units of each layer were kept.
        difference: the largest difference between the outputs of the cut network and of the given one with removed
            units multiplied by 0, relative to the largest output (at least 1), on up to 64 images and before anything
            was rebuilt or recalibrated.
        decisions: the trace of a pruner that decides; empty for one that ranks.
    """

    network: nn.Module
    masks: KeepMasks
    difference: float
    decisions: tuple[Decision, ...] = ()


def prune(
    model: nn.Module,
    images: Images,
    labels: Tensor | Sequence[int] | None = None,
    *,
    pruner: str | Pruner = "mipp",
    confidence: float | None = None,
    sparsity: float | None = None,
    settings: Mapping[str, Any] | None = None,
    scope: Scope | None = None,
    floor: int = 0,
    rebuild: bool = False,
    recalibrate: bool = False,
    train: Callable[[nn.Module, Report], None] = cannot_train,
    seed: int = 0,
    report: Report = silent,
) -> Pruned:
    """Prune a network and return a smaller one; the network itself is left as it was.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from mipp_core import prune
        >>> model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
        >>> pruned = prune(model, torch.randn(32, 1, 8, 8), pruner="magnitude", sparsity=0.5)
        >>> pruned.masks.kept
        {'0': 4}

    Args:
        model: any network that ``torch.fx`` can trace; in evaluation mode or not.
        images: a tensor [n, channels, height, width], or any iterable of batches, each images alone or a pair of images
            and labels, as a ``DataLoader`` gives; prepared as the network reads them.
        labels: class indices [n], where the pruner needs them and the batches do not hold them.
        pruner: a name in ``PRUNERS``, ``PATH.py:CLASS``, or a pruner with settings of its own.
        confidence: of a pruner that decides (MIPP), in [0.5, 1): how sure one must be to keep a unit.
        sparsity: share of all units to remove, in [0, 1]; a pruner that decides gives them up in its own order.
        settings: of a pruner given by name.
        scope: how a pruner that ranks spreads the sparsity: ``global`` or ``layer``; None for its usual way.
        floor: units of each layer that a pruner that ranks never removes.
        rebuild: refit the cut network's weights in closed form to the dense network's activations; no labels.
        recalibrate: measure fresh statistics of its batch normalisations; with ``rebuild`` after it.
        train: trains a network in place, for pruners that train between their rounds (IMP).
        seed: the only source of randomness.
        report: receives progress; may raise ``CancelledError``.

    Raises:
        SettingError: an argument is missing or out of its range; the message says which, and what to do.
        ModelError: the network cannot be traced, cannot read such images, or cannot be cut exactly.
    """
    found = _pruner(pruner, settings)
    unwrapped(model)
    data = data_for(model, images, labels, needs_labels="labels" in found.needs)
    network = recorded(model, data.images[:_COMPARED])
    masks, decisions = _masks(found, Task(network, data, seed, train, report), confidence, sparsity, scope, floor)
    slim = shrink(network, masks)
    difference = cut_difference(network, slim, masks, data.images[:_COMPARED])
    check_exact(difference, data.images.device)
    if rebuild:
        rebuild_network(network, slim, masks, data.images)
    if recalibrate:
        recalibrate_network(slim, masks.blank_pixels(data.images))
    answer = transplanted(model, slim, masks.blank_pixels(data.images[:_COMPARED]))
    channels, height, width = data.image_shape
    return Pruned(with_pixel_mask(answer, masks, (channels, height, width)), masks, difference, tuple(decisions))


def _pruner(given: str | Pruner, settings: Mapping[str, Any] | None) -> Pruner:
    if isinstance(given, str):
        return pruner_named(load_pruner(given) if names_a_file(given) else given, **(settings or {}))
    if not isinstance(given, Pruner):
        raise SettingError(
            f"The pruner is {given!r}; give its name, such as mipp, or a pruner such as Mipp(members=5)."
        )
    if settings:
        raise SettingError("Settings belong to a pruner that is given by name; this one has its own: leave them out.")
    return given


def _masks(
    found: Pruner, task: Task, confidence: float | None, sparsity: float | None, scope: Scope | None, floor: int
) -> tuple[KeepMasks, list[Decision]]:
    """Ask the pruner at the one confidence or sparsity that was given."""
    if (confidence is None) == (sparsity is None):
        raise SettingError("Give either a confidence, such as 0.99, or a sparsity, such as 0.5.")
    if isinstance(found, Ranker):
        return _ranked(found, task, sparsity, scope, floor), []
    if not isinstance(found, Decider):
        raise SettingError(f"{type(found).__name__} neither ranks nor decides; derive it from Ranker or Decider.")
    if scope is not None or floor:
        raise SettingError(f"{type(found).__name__} finds its own ratio for each layer; leave scope and floor out.")
    return _decided(found, task, confidence, sparsity)


def _ranked(found: Ranker, task: Task, sparsity: float | None, scope: Scope | None, floor: int) -> KeepMasks:
    name = type(found).__name__
    if sparsity is None:
        raise SettingError(f"{name} ranks units, without a confidence; give a sparsity, such as 0.5.")
    if scope is not None and scope not in found.scopes:
        raise SettingError(f"{name} cannot spread a sparsity by {scope!r}; choose {' or '.join(found.scopes)}.")
    return found.masks(task, (sparsity,), Selection(scope or found.scopes[0], floor))[0]


def _decided(
    found: Decider, task: Task, confidence: float | None, sparsity: float | None
) -> tuple[KeepMasks, list[Decision]]:
    if confidence is not None and not 0.5 <= confidence < 1:
        raise SettingError(f"The confidence is {confidence}; give 0.5 (prune little) up to 0.999999.")
    if sparsity is not None and not 0 <= sparsity <= 1:
        raise SettingError(f"The sparsity is {sparsity}; give 0 (keep all) to 1 (remove all).")
    asked = tuple(map(confidence_of, range(LEVELS))) if confidence is None else (confidence,)
    decisions = found.decide(task.model, task.data, task.seed, asked, task.report)
    if sparsity is None:
        return masks_at_levels(task.model, decisions, 1, task.data)[0], decisions
    widths = {layer.name: layer.units for layer in wiring_of(task.model).layers}
    return masks_between_levels(widths, decisions, (sparsity,))[0], decisions
