"""From keep-masks to a network that really is smaller, exact up to rounding.

A cut layer has fewer filters.  Layers that read its channels directly have fewer columns.  Where the channels are
added into a residual stream, or go into an operation that needs all of them, they are put back in their places among
zeros (``mipp_core.cutting.reindexing``), so the stream keeps its width.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.reindexing import Reindex
from mipp_core.errors import ModelError
from mipp_core.network.channels import Channels, Use, Weighted
from mipp_core.network.gates import assembled, gated, insert
from mipp_core.network.layers import Wiring, weighted, wiring_of
from mipp_core.network.operations import BATCH_NORMS
from mipp_core.network.silencing import silence


def masked(model: nn.Module, masks: KeepMasks) -> nn.Module:
    """Return a copy of a network, in evaluation mode, that multiplies removed units by 0 wherever they are read.

    This defines what pruning means; ``shrink`` computes the same, faster.
    """
    return gated(deepcopy(model).eval(), {name: mask.float() for name, mask in masks.items()})


def shrink(model: nn.Module, masks: KeepMasks) -> nn.Module:
    """Cut removed units out and return a new, smaller network.

    In evaluation mode its outputs equal those of the dense network whose removed units are multiplied by 0.  A
    collapsed layer keeps one unit with all its weights at 0: the smallest layer that still runs.  A grouped
    convolution keeps equally many units in every group that keeps any; the added ones' weights are 0.  Removed
    pixels are not cut (see ``PixelMask``).

    Args:
        model: not changed.
        masks: one for every prunable layer; a mask of the input is ignored here.

    Returns:
        A network of the same class if all cut layers fit together; otherwise one that ``torch.fx`` wrote, without
        layers that only run in training.

    Raises:
        ModelError: the masks do not fit the network.
    """
    wiring, own = wiring_of(model), masks.without_input()
    _check(wiring, own)
    cut = _Cut(model, deepcopy(model), wiring, own)
    cut.silence_spare()
    cut.layers()
    joints = cut.joints()
    if not joints and _runs_everything(model, wiring):
        return cut.slim
    return assembled(cut.slim, wiring.flow.graph, joints)


@torch.no_grad()
def cut_difference(model: nn.Module, slim: nn.Module, masks: KeepMasks, images: Float[Tensor, "n c h w"]) -> float:
    """Measure how far a cut network is from its definition: max |slim - masked| / max(1, max |masked|).

    Args:
        model: the dense network.
        slim: what ``shrink`` made of it; neither network is changed.
        masks: what was kept; removed pixels are 0 for both networks.
        images: on the networks' device; computed in float64, or float32 on devices without float64.
    """
    exact = torch.float32 if images.device.type == "mps" else torch.float64
    shown = images.to(exact)
    wanted = masked(model, masks).to(exact)(shown)
    given = deepcopy(slim).to(exact).eval()(masks.blank_pixels(shown))
    return ((given - wanted).abs().max() / wanted.abs().max().clamp(min=1)).item()


def carried_units(model: nn.Module, wiring: Wiring, masks: KeepMasks) -> dict[str, Bool[Tensor, " _"]]:
    """Return the units that ``shrink`` leaves in each layer it cuts.

    These are the kept units, and removed ones that cannot be cut: one in a collapsed layer, and those that fill up a
    group.  A layer that only weighs other units has as many units as those it weighs.

    Raises:
        ModelError: the masks do not fit the network.
    """
    own = masks.without_input()
    _check(wiring, own)
    return _Cut(model, model, wiring, own).carried


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


def _runs_everything(model: nn.Module, wiring: Wiring) -> bool:
    """Tell whether every module with weights takes part in evaluation."""
    called = {str(node.target) for node in wiring.flow.graph.nodes if node.op == "call_module"}
    return all(
        name in called
        for name, module in model.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    )


@dataclass(frozen=True)
class _Cut:
    """One network being cut.

    Attributes:
        dense: the network.
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
        own = {name: self._whole_groups(name, _kept_or_first(mask)) for name, mask in self.masks.items()}
        return own | {gate: self._kept(opened, own) for gate, opened in self.wiring.flow.gates.items()}

    def silence_spare(self) -> None:
        """Make removed units that cannot be cut always 0."""
        for layer in self.wiring.layers:
            if not torch.equal(self.carried[layer.name], self.masks[layer.name]):
                silence(self.slim, self.wiring, layer.name, self.masks[layer.name])

    def layers(self) -> None:
        """Cut every layer and follower."""
        for name in self.wiring.weighted:
            if name in self.carried:
                _cut_rows(weighted(self.slim, name), self.carried[name])
        for name, columns in self._columns.items():
            _cut_columns(weighted(self.slim, name), columns, self._groups(name))
        for name, channels in self._followed.items():
            _cut_follower(self.slim.get_submodule(name), channels)

    def joints(self) -> dict[str, nn.Module]:
        """Make a ``Reindex`` module for every reader that needs other channels than there are."""
        flow = self.wiring.flow
        found: dict[str, nn.Module] = {}
        wants = [(use, self._columns.get(str(use.node.target), self._kept(use.channels))) for use in flow.reads]
        wants += [(use, self._followed[str(use.node.target)]) for use in flow.passes]
        wants += [(use, torch.ones(use.channels.units, dtype=torch.bool)) for use in flow.mixes]
        for number, (use, wanted) in enumerate(wants):
            has = self._kept(use.channels)
            if not torch.equal(has, wanted):
                found[f"joint_{number}"] = self._joint(use, has, wanted)
                insert(flow.graph, f"joint_{number}", use)
        return found

    def _joint(self, use: Use, has: Tensor, wanted: Tensor) -> Reindex:
        like, dim = next(self.slim.parameters()), use.channels.dim - use.channels.rank
        return Reindex(_indices(has, like), _indices(wanted, like), dim, use.channels.spread)

    @cached_property
    def _columns(self) -> dict[str, Bool[Tensor, " units"]]:
        """The channels that each layer reads: all that are there in any of its calls, equally many per group."""
        found: dict[str, Tensor] = {}
        for use in self.wiring.flow.reads:
            name = str(use.node.target)
            kept = self._kept(use.channels)
            found[name] = found[name] | kept if name in found else kept
        return {name: self._grouped_columns(name, kept) for name, kept in found.items()}

    @cached_property
    def _followed(self) -> dict[str, Bool[Tensor, " units"]]:
        found: dict[str, Tensor] = {}
        for use in self.wiring.flow.passes:
            name = str(use.node.target)
            kept = self._kept(use.channels)
            found[name] = found[name] | kept if name in found else kept
        return found

    def _kept(self, channels: Channels, carried: Mapping[str, Tensor] | None = None) -> Bool[Tensor, " units"]:
        """Return which of a tensor's channels the slim network has."""
        known = self.carried if carried is None else carried
        return torch.cat([known.get(part.space, torch.ones(part.units, dtype=torch.bool)) for part in channels.parts])

    def _whole_groups(self, name: str, keep: Tensor) -> Tensor:
        """Add removed units until every group that has any has equally many."""
        groups = self._groups(name)
        return _evened(keep, groups) if groups > 1 else keep

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


def _kept_or_first(mask: Bool[Tensor, " units"]) -> Bool[Tensor, " units"]:
    """Return the mask, or the first unit alone if the layer has collapsed."""
    if mask.any():
        return mask
    first = torch.zeros_like(mask)
    first[0] = True
    return first


def _evened(keep: Bool[Tensor, " units"], groups: int) -> Bool[Tensor, " units"]:
    """Add units to every group that has any until each has as many as the largest."""
    rows = keep.view(groups, -1)
    most = int(rows.sum(1).max())
    best = (~rows).int().argsort(dim=1, stable=True)[:, :most]
    full = torch.zeros_like(rows).scatter(1, best, True)
    return (full & rows.any(1, keepdim=True)).flatten()


def _indices(keep: Tensor, like: Tensor) -> Int[Tensor, " kept"]:
    return keep.nonzero().flatten().to(like.device)


@torch.no_grad()
def _cut_rows(layer: Weighted, keep: Tensor) -> None:
    """Keep only some units of a layer."""
    if isinstance(layer, nn.Conv2d):
        if layer.groups > 1:
            layer.groups = int(keep.view(layer.groups, -1).any(1).sum())
        layer.out_channels = int(keep.sum())
    else:
        layer.out_features = int(keep.sum())
    _keep_entries(layer, keep)


@torch.no_grad()
def _cut_columns(layer: Weighted, keep: Tensor, groups: int) -> None:
    """Let a layer that had ``groups`` groups read only some channels, equally many in every remaining group."""
    if isinstance(layer, nn.Linear):
        columns = keep.repeat_interleave(layer.in_features // len(keep))
        layer.in_features = int(columns.sum())
        return _replace(layer, "weight", layer.weight[:, _indices(columns, layer.weight)])
    by_group = [_indices(columns, layer.weight) for columns in keep.view(groups, -1) if columns.any()]
    layer.in_channels = int(keep.sum())
    blocks = layer.weight.chunk(len(by_group))
    cut = [block[:, columns] for block, columns in zip(blocks, by_group, strict=True)]
    return _replace(layer, "weight", torch.cat(cut))


def _cut_follower(module: nn.Module, keep: Tensor) -> None:
    """Keep only some channels of a normalisation or a depthwise convolution; the count of batches stays."""
    if isinstance(module, BATCH_NORMS):
        module.num_features = int(keep.sum())
    elif isinstance(module, nn.Conv2d):
        module.in_channels = module.out_channels = module.groups = int(keep.sum())
    _keep_entries(module, keep)


@torch.no_grad()
def _keep_entries(module: nn.Module, keep: Tensor) -> None:
    """Keep only some entries of every tensor that has one per unit."""
    for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
        if tensor.ndim:
            _replace(module, name, tensor[_indices(keep, tensor)])


def _replace(module: nn.Module, name: str, tensor: Tensor) -> None:
    old = getattr(module, name)
    is_parameter = isinstance(old, nn.Parameter)
    setattr(module, name, nn.Parameter(tensor.clone(), old.requires_grad) if is_parameter else tensor.clone())
