"""One call: prune any network with images of your own."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from mipp_core.cutting.collapse import collapse_words, collapsed
from mipp_core.cutting.counting import Counter
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.pixels import with_pixel_mask
from mipp_core.cutting.rebuilding import rebuild as rebuild_network
from mipp_core.cutting.recalibration import recalibrate as recalibrate_network
from mipp_core.cutting.selection import Scope, Selection
from mipp_core.cutting.surgery import check_exact, cut_difference, shrink
from mipp_core.cutting.targets import Target, emptied, require_reachable
from mipp_core.cutting.transplanting import transplanted
from mipp_core.errors import CollapseWarning, SettingError, TargetWarning
from mipp_core.information.confidence import LEVELS, confidence_of
from mipp_core.information.terc import Decision
from mipp_core.network.recording import recorded
from mipp_core.network.unwrapping import unwrapped
from mipp_core.own_data import Images, data_for
from mipp_core.own_files import names_a_file
from mipp_core.pruners import Decider, Pruner, Ranker, Task, load_pruner
from mipp_core.pruners import pruner as pruner_named
from mipp_core.pruners.contract import cannot_train
from mipp_core.pruners.deciding import masks_at_levels, masks_at_targets
from mipp_core.pruners.reaching import reach
from mipp_core.vocabulary import Counted, Report, silent

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
        removed: the shares that are gone, in [0, 1]: of the prunable layers' ``units``, and of the whole network's
            ``parameters`` and ``macs`` (multiply-accumulates).
        collapsed: layers with no unit left that nothing goes round: with any, the network gives one answer for every
            image.
    """

    network: nn.Module
    masks: KeepMasks
    difference: float
    decisions: tuple[Decision, ...] = ()
    removed: Mapping[Counted, float] = field(default_factory=dict)
    collapsed: tuple[str, ...] = ()


def prune(
    model: nn.Module,
    images: Images,
    labels: Tensor | Sequence[int] | None = None,
    *,
    pruner: str | Pruner = "mipp",
    confidence: float | None = None,
    sparsity: float | None = None,
    parameters: float | None = None,
    macs: float | None = None,
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
        model: any network that does the same for all images; in evaluation mode or not.
        images: a tensor [n, channels, height, width], or any iterable of batches, each images alone or a pair of images
            and labels, as a ``DataLoader`` gives; prepared as the network reads them.
        labels: class indices [n], where the pruner needs them and the batches do not hold them.
        pruner: a name in ``PRUNERS``, ``PATH.py:CLASS``, or a pruner with settings of its own.
        confidence: of a pruner that decides (MIPP), in [0.5, 1): how sure one must be to keep a unit.
        sparsity: share of all units to remove, in [0, 1]; a pruner that decides gives them up in its own order.
        parameters: share of the whole network's parameters to remove, in [0, 1], in place of ``sparsity``; the nearest
            number of units is found.
        macs: the same of its multiply-accumulates.  A pruner that cuts by itself (CMI) may be given no amount.
        settings: of a pruner given by name.
        scope: how a pruner that ranks spreads the target: ``global`` or ``layer``; None for its usual way.
        floor: units of each layer that a pruner that ranks never removes.
        rebuild: refit the cut network's weights in closed form to the dense network's activations; no labels.
        recalibrate: measure fresh statistics of its batch normalisations; with ``rebuild`` after it.
        train: trains a network in place, for pruners that train between their rounds (IMP).
        seed: the only source of randomness.
        report: receives progress; may raise ``CancelledError``.

    Raises:
        SettingError: an argument is missing or out of its range; the message says which, and what to do.
        ModelError: the network cannot be followed, cannot read such images, or cannot be cut exactly.

    Warns:
        CollapseWarning: a layer that nothing goes round has no unit left.
        TargetWarning: the target was missed by more than one unit's worth.
    """
    found = _pruner(pruner, settings)
    asked = _asked(found, confidence, sparsity, parameters, macs)
    if isinstance(model, nn.Module):
        unwrapped(model)  # before it is run, which would give lazy layers weights
    data = data_for(model, images, labels, needs_labels="labels" in found.needs)
    network = recorded(model, data.images[:_COMPARED])
    channels, height, width = data.image_shape
    counter = Counter(network, (channels, height, width))
    masks, decisions = _masks(found, Task(network, data, seed, train, report), asked, scope, floor, counter)
    dead = collapsed(masks, counter.wiring)
    if dead:
        warnings.warn(CollapseWarning(collapse_words(dead, _remedy(found, scope, floor))), stacklevel=2)
    slim = shrink(network, masks)
    difference = cut_difference(network, slim, masks, data.images[:_COMPARED])
    check_exact(difference, data.images.device)
    if rebuild:
        rebuild_network(network, slim, masks, data.images)
    if recalibrate:
        recalibrate_network(slim, masks.blank_pixels(data.images))
    answer = transplanted(model, slim, masks.blank_pixels(data.images[:_COMPARED]))
    made = with_pixel_mask(answer, masks, (channels, height, width))
    return Pruned(made, masks, difference, tuple(decisions), counter.removed(masks), dead)


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


def _asked(
    found: Pruner, confidence: float | None, sparsity: float | None, parameters: float | None, macs: float | None
) -> float | Target | None:
    """Return the one confidence or target that was given; None where a pruner that cuts by itself is given none."""
    shares: dict[Counted, float | None] = {"units": sparsity, "parameters": parameters, "macs": macs}
    given = [confidence, *shares.values()]
    if isinstance(found, Ranker) and found.cuts_itself and given == [None] * 4:
        return None
    if sum(value is not None for value in given) != 1:
        raise SettingError(
            "Give either a confidence, such as 0.99, or a sparsity, such as 0.5, or in its place parameters=0.5 or "
            "macs=0.5: the share of them to remove."
        )
    if confidence is not None:
        return confidence
    return next(Target(share, of) for of, share in shares.items() if share is not None)


def _masks(
    found: Pruner, task: Task, asked: float | Target | None, scope: Scope | None, floor: int, counter: Counter
) -> tuple[KeepMasks, list[Decision]]:
    """Ask the pruner at the one confidence or target that was given."""
    if isinstance(found, Ranker) and asked is None:
        if scope is not None or floor:
            raise SettingError(
                f"{type(found).__name__}'s own ratios have no scope or floor; leave them out, or give an amount."
            )
        return found.own(task), []
    if isinstance(found, Ranker) and asked is not None:
        return _ranked(found, task, asked, scope, floor, counter), []
    if not isinstance(found, Decider):
        raise SettingError(f"{type(found).__name__} neither ranks nor decides; derive it from Ranker or Decider.")
    if scope is not None or floor:
        raise SettingError(f"{type(found).__name__} finds its own ratio for each layer; leave scope and floor out.")
    assert asked is not None
    return _decided(found, task, asked, counter)


def _ranked(
    found: Ranker, task: Task, asked: float | Target, scope: Scope | None, floor: int, counter: Counter
) -> KeepMasks:
    name = type(found).__name__
    if not isinstance(asked, Target):
        raise SettingError(
            f"{name} ranks units, without a confidence; give a share to remove, such as sparsity=0.5 or macs=0.5."
        )
    if scope is not None and scope not in found.scopes:
        raise SettingError(f"{name} cannot spread a sparsity by {scope!r}; choose {' or '.join(found.scopes)}.")
    (reached,) = reach(found, task, [asked], Selection(scope or found.scopes[0], floor), counter)
    if reached.note:
        warnings.warn(TargetWarning(reached.note), stacklevel=4)
    return reached.masks


def _decided(found: Decider, task: Task, asked: float | Target, counter: Counter) -> tuple[KeepMasks, list[Decision]]:
    if not isinstance(asked, Target) and not 0.5 <= asked < 1:
        raise SettingError(f"The confidence is {asked}; give 0.5 (prune little) up to 0.999999.")
    levels = tuple(map(confidence_of, range(LEVELS))) if isinstance(asked, Target) else (asked,)
    if isinstance(asked, Target):
        require_reachable(asked, emptied(0, counter), 0, counter)
        found = found.towards(asked.of)
    decisions = found.decide(task.model, task.data, task.seed, levels, task.report)
    if not isinstance(asked, Target):
        return masks_at_levels(task.model, decisions, 1, task.data)[0], decisions
    return masks_at_targets(decisions, [asked], counter)[0], decisions


def _remedy(found: Pruner, scope: Scope | None, floor: int) -> str:
    """Say what keeps layers from collapsing."""
    if not isinstance(found, Ranker):
        return "ask for a lower confidence or a smaller share"
    ways = ["ask for a smaller share"] + (["keep some with floor=1"] if not floor else [])
    is_global = (scope or found.scopes[0]) == "global" and "layer" in found.scopes
    return ", or ".join(ways + (['spread it with scope="layer"'] if is_global else []))
