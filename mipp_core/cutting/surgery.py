"""From keep-masks to a network that really is smaller, exact up to rounding.

A cut layer has fewer filters.  Layers that read its channels directly have fewer columns.  Where the channels are
added into a residual stream, or go into an operation that needs all of them, they are put back in their places among
zeros (``mipp_core.cutting.reindexing``), so the stream keeps its width.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, fx, nn

from mipp_core.cutting.layers import cut_carrier, cut_layer, cut_sizes
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.reindexing import Reindex
from mipp_core.errors import ModelError
from mipp_core.network.assembling import assembled, free_name, insert
from mipp_core.network.channels import Channels, Use
from mipp_core.network.gates import gated
from mipp_core.network.layers import Wiring, weighted, wiring_of
from mipp_core.network.outputs import ROUNDING, largest_difference
from mipp_core.network.recording import followed
from mipp_core.network.silencing import silence


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
    cut = _Cut(wiring.network, deepcopy(wiring.network), wiring, own)
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
    return _Cut(wiring.network, wiring.network, wiring, own).carried


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
    cut = _Cut(ghost, deepcopy(ghost), wiring, own)
    cut.layers()
    return cut.slim


def _check(wiring: Wiring, masks: KeepMasks) -> None:
    expected = {layer.name: layer.units for layer in wiring.layers}
    if masks.units != expected:
        raise ModelError(f"The keep-masks {masks.units} do not fit the network; its layers are {expected}.")


@dataclass(frozen=True)
class _Cut:
    """One network being cut.

    Attributes:
        dense: the network, as it was recorded.
        slim: a copy of it, which is cut in place.
        wiring: of the network.
        masks: what is kept of each prunable layer.
    """

    dense: nn.Module
    slim: nn.Module
    wiring: Wiring
    masks: KeepMasks

    @cached_property
    def carried(self) -> dict[str, Bool[Tensor, " units"]]:
        """The units of each space that the slim network has; any that were removed are always 0."""
        known = {name: self._whole_groups(name, self._never_empty(name, mask)) for name, mask in self.masks.items()}
        waiting = dict(self.wiring.flow.gates)
        while waiting:
            ready = [gate for gate, opened in waiting.items() if not {part.space for part in opened.parts} & {*waiting}]
            for gate in ready or list(waiting):
                known[gate] = waiting.pop(gate).kept(known)
        return known

    def silence_spare(self) -> None:
        """Make removed units that cannot be cut always 0."""
        for layer in self.wiring.layers:
            if not torch.equal(self.carried[layer.name], self.masks[layer.name]):
                silence(self.slim, self.wiring, layer.name, self.masks[layer.name])

    def layers(self) -> None:
        """Cut every layer and follower."""
        for name in self.wiring.weighted:
            cut_layer(weighted(self.slim, name), self.carried.get(name), self._columns.get(name))
        done: set[str] = set()
        for use in self.wiring.flow.passes:
            for carrier in use.carriers:
                if carrier.path not in done:
                    done.add(carrier.path)
                    cut_carrier(self.slim, carrier, self._kept(use.channels))

    def joints(self) -> dict[str, nn.Module]:
        """Make a ``Reindex`` module for every reader that needs other channels than there are."""
        flow = self.wiring.flow
        wants = [(use, self._columns[str(use.node.target)]) for use in flow.reads]
        wants += [(use, self._wanted(use)) for use in flow.mixes]
        found: dict[str, nn.Module] = {}
        for use, wanted in wants:
            has = self._kept(use.channels)
            if not torch.equal(has, wanted):
                name = free_name(self.slim, "joint_0", found)
                found[name] = self._joint(use, has, wanted)
                insert(flow.graph, name, use)
        return found

    def sizes(self) -> None:
        """State the new sizes wherever the graph states how many channels there are."""
        for node, channels in self.wiring.flow.channels.items():
            cut_sizes(node, channels, self.wiring.flow.channels, self._kept)

    def _wanted(self, use: Use) -> Bool[Tensor, " numbers"]:
        if use.wanted is not None:
            return self._kept(use.wanted)
        return torch.ones(use.channels.numbers, dtype=torch.bool)

    def _joint(self, use: Use, has: Tensor, wanted: Tensor) -> Reindex:
        device, dim = next(self.slim.parameters()).device, use.channels.dim - use.channels.rank
        return Reindex(_indices(has, device), _indices(wanted, device), dim)

    @cached_property
    def _columns(self) -> dict[str, Bool[Tensor, " numbers"]]:
        """The channels that each layer reads: all that are there in any of its calls, equally many per group."""
        found: dict[str, Tensor] = {}
        for use in self.wiring.flow.reads:
            name = str(use.node.target)
            kept = self._kept(use.channels)
            found[name] = found[name] | kept if name in found else kept
        calls = [str(node.target) for node in self.wiring.flow.graph.nodes if node.op == "call_module"]
        reads = [str(use.node.target) for use in self.wiring.flow.reads]
        whole = {name for name in found if reads.count(name) < calls.count(name)}
        return {
            name: torch.ones_like(kept) if name in whole else self._grouped_columns(name, kept)
            for name, kept in found.items()
        }

    def _kept(self, channels: Channels) -> Bool[Tensor, " numbers"]:
        """Return which of a tensor's numbers along its channels the slim network has."""
        return channels.kept(self.carried)

    def _never_empty(self, name: str, mask: Bool[Tensor, " units"]) -> Bool[Tensor, " units"]:
        """Add the first unit of the layer, and of every part of it that is read alone, where none is left."""
        parts = {part for channels in self.wiring.flow.channels.values() for part in channels.parts}
        for first, count in {(part.start, part.units) for part in parts if part.space == name}:
            if not mask[first : first + count].any():
                mask = mask.clone()
                mask[first] = True
        return mask

    def _whole_groups(self, name: str, keep: Tensor) -> Tensor:
        """Add removed units until every group that has any has equally many; every group, if it reads all columns."""
        groups = self._groups(name)
        if groups == 1:
            return keep
        reads = [str(use.node.target) for use in self.wiring.flow.reads]
        calls = [str(node.target) for node in self.wiring.flow.graph.nodes if node.op == "call_module"]
        return _evened(keep, groups, every=reads.count(name) < calls.count(name))

    def _grouped_columns(self, name: str, kept: Tensor) -> Tensor:
        """Return the columns of a grouped convolution: equally many in every remaining group."""
        groups = self._groups(name)
        if groups == 1:
            return kept
        rows = self.carried.get(name)
        left = torch.ones(groups, dtype=torch.bool) if rows is None else rows.view(groups, -1).any(1)
        wanted = kept.view(groups, -1) & left[:, None]
        wanted[left, 0] |= ~wanted[left].any(1)
        return _evened(wanted.flatten(), groups)

    def _groups(self, name: str) -> int:
        return getattr(self.dense.get_submodule(name), "groups", 1)


def _evened(keep: Bool[Tensor, " units"], groups: int, every: bool = False) -> Bool[Tensor, " units"]:
    """Add units to every group that has any, or to all groups, until each has as many as the largest."""
    rows = keep.view(groups, -1)
    most = int(rows.sum(1).max())
    best = (~rows).int().argsort(dim=1, stable=True)[:, :most]
    full = torch.zeros_like(rows).scatter(1, best, True)
    return full.flatten() if every else (full & rows.any(1, keepdim=True)).flatten()


def _indices(keep: Tensor, device: torch.device) -> Int[Tensor, " kept"]:
    return keep.nonzero().flatten().to(device)
