"""From keep-masks to a network that really is smaller, exact up to rounding.

A cut layer has fewer filters.  Layers that read its channels directly have fewer columns.  Where the channels are
added into a residual stream, or go into an operation that needs all of them, they are put back in their places among
zeros (``mipp_core.cutting.reindexing``), so the stream keeps its width.
"""

from copy import deepcopy
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, fx, nn

from mipp_core.cutting.cut import Cut
from mipp_core.cutting.masks import KeepMasks
from mipp_core.errors import ModelError
from mipp_core.network.assembling import assembled, modules_copied
from mipp_core.network.gates import gated
from mipp_core.network.layers import Wiring, wiring_of
from mipp_core.network.outputs import ROUNDING, largest_difference
from mipp_core.network.recording import followed


def masked(model: nn.Module, masks: KeepMasks) -> nn.Module:
    """Return a copy of a network, in evaluation mode, that multiplies removed units by 0 wherever they are read.

    This defines what pruning means; ``shrink`` computes the same, faster.
    """
    return gated(deepcopy(followed(model)).eval(), {name: mask.float() for name, mask in masks.items()})


def shrink(model: nn.Module, masks: KeepMasks) -> fx.GraphModule:
    """Cut removed units out and return a new, smaller network.

    In evaluation mode its outputs equal those of the dense network whose removed units are multiplied by 0.  A
    collapsed layer keeps one unit with all its weights at 0: the smallest layer that still runs.  A grouped
    convolution keeps equally many units in every group that keeps any; the added ones' weights are 0.  Removed
    pixels are not cut (see ``PixelMask``).

    Args:
        model: not changed.
        masks: one for every prunable layer; a mask of the input is ignored here.

    Returns:
        A network that ``torch.fx`` wrote, with the dense one's modules at their paths, without layers that only run in
        training.

    Raises:
        ModelError: the masks do not fit the network.
    """
    wiring, own = wiring_of(model), masks.without_input()
    _check(wiring, own)
    planned = Cut(wiring.network, wiring.network, wiring, own)
    cut = replace(planned, slim=modules_copied(wiring.network, planned.made_anew()))
    cut.silence_spare()
    cut.layers()
    joints = cut.joints()
    cut.sizes()
    return assembled(cut.slim, wiring.flow.graph, joints)


def cut_exactly(model: nn.Module, masks: KeepMasks, images: Float[Tensor, "n c h w"]) -> fx.GraphModule:
    """Cut removed units out, and refuse the result if it does not compute what the masked network computes.

    Args:
        model: not changed.
        masks: as for ``shrink``; removed pixels are 0 for both networks.
        images: on the network's device; the networks are compared on all of them.

    Raises:
        ModelError: the masks do not fit the network, or it cannot be cut exactly.
    """
    slim = shrink(model, masks)
    check_exact(cut_difference(model, slim, masks, images), images.device)
    return slim


def check_exact(difference: float, device: torch.device) -> None:
    """Refuse a cut whose outputs differ by more than rounding.

    Raises:
        ModelError: says by how much.
    """
    limit = ROUNDING[_exact_type(device)]
    if not difference <= limit:
        raise ModelError(
            f"The cut network's outputs differ from the masked one's by {difference:.1e} of the largest, which is more "
            f"than rounding ({limit:.0e}): this network is not cut exactly; please report it with its forward method."
        )


@torch.no_grad()
def cut_difference(model: nn.Module, slim: nn.Module, masks: KeepMasks, images: Float[Tensor, "n c h w"]) -> float:
    """Measure how far a cut network is from its definition: max |slim - masked| / max(1, max |masked|).

    Args:
        model: the dense network.
        slim: what ``shrink`` made of it; neither network is changed.
        masks: what was kept; removed pixels are 0 for both networks.
        images: on the networks' device; computed in float64, or float32 on devices without float64.
    """
    exact = _exact_type(images.device)
    shown = images.to(exact)
    wanted = masked(model, masks).to(exact)(shown.clone())
    given = deepcopy(slim).to(exact).eval()(masks.blank_pixels(shown))
    return largest_difference(given, wanted)


def _exact_type(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def carried_units(model: nn.Module, wiring: Wiring, masks: KeepMasks) -> dict[str, Bool[Tensor, " _"]]:
    """Return the units that ``shrink`` leaves in each layer it cuts.

    These are the kept units, and removed ones that cannot be cut: one in a collapsed layer, and those that fill up a
    group.  A layer that only weighs other units has as many units as those it weighs.

    Raises:
        ModelError: the masks do not fit the network.
    """
    own = masks.without_input()
    _check(wiring, own)
    return Cut(wiring.network, wiring.network, wiring, own).carried


def cut_shapes(ghost: nn.Module, wiring: Wiring, masks: KeepMasks) -> nn.Module:
    """Return a copy of a network whose layers have the shapes that ``shrink`` gives them; it cannot be run.

    Args:
        ghost: the network on the meta device.
        wiring: of the network.
        masks: one for every prunable layer.

    Raises:
        ModelError: the masks do not fit the network.
    """
    own = masks.without_input()
    _check(wiring, own)
    cut = Cut(ghost, deepcopy(ghost), wiring, own)
    cut.layers()
    return cut.slim


def _check(wiring: Wiring, masks: KeepMasks) -> None:
    expected = {layer.name: layer.units for layer in wiring.layers}
    if masks.units != expected:
        raise ModelError(f"The keep-masks {masks.units} do not fit the network; its layers are {expected}.")
