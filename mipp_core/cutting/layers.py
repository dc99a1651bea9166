"""Cutting single layers, what goes with their units, and the sizes that a graph states."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn

from mipp_core.network.assembling import held
from mipp_core.network.channels import TRANSPOSED, Carrier, Channels, Weighted, is_depthwise
from mipp_core.network.operations import BATCH_NORMS, is_instance_norm
from mipp_core.network.plain_shapes import name_of


def stays_whole(rows: Tensor | None, columns: Tensor | None) -> bool:
    """Tell whether ``cut_layer`` leaves a layer as it is."""
    return (rows is None or bool(rows.all())) and (columns is None or bool(columns.all()))


@torch.no_grad()
def cut_layer(layer: Weighted, rows: Tensor | None, columns: Tensor | None) -> None:
    """Keep only some units of a layer, and some of the channels it reads; None keeps all.

    Of a grouped convolution, whole groups go; those that stay keep equally many units and channels.
    """
    if stays_whole(rows, columns):
        return
    grouped = _grouped(layer)
    groups, units, channels = grouped.shape[:3]
    rows = torch.ones(groups * units, dtype=torch.bool) if rows is None else rows
    columns = torch.ones(groups * channels, dtype=torch.bool) if columns is None else columns
    pairs = zip(grouped, rows.view(groups, -1), columns.view(groups, -1), strict=True)
    cut = [_some(_some(block, 0, some), 1, read) for block, some, read in pairs if some.any()]
    blocks = cut[0][None] if len(cut) == 1 else torch.stack(cut)
    _set(layer, "weight", blocks.transpose(1, 2).flatten(0, 1) if _is_transposed(layer) else blocks.flatten(0, 1))
    if layer.bias is not None:
        _set(layer, "bias", _some(layer.bias, 0, rows))
    _resize(layer, len(blocks), len(blocks) * blocks.shape[1], len(blocks) * blocks.shape[2])


def _some(tensor: Tensor, dim: int, keep: Tensor) -> Tensor:
    """Return some entries along a dimension; ``keep`` is on the CPU, so that its size is known on any device."""
    return tensor if keep.all() else tensor.index_select(dim, keep.nonzero().flatten().to(tensor.device))


def _grouped(layer: Weighted) -> Tensor:
    """Return a layer's weights as [groups, units, channels, ...]; units and channels are those of a group."""
    if isinstance(layer, nn.Linear):
        return layer.weight[None]
    grouped = layer.weight.unflatten(0, (layer.groups, -1))
    return grouped.transpose(1, 2) if _is_transposed(layer) else grouped


def _is_transposed(layer: Weighted) -> bool:
    return isinstance(layer, TRANSPOSED)


def _resize(layer: Weighted, groups: int, units: int, channels: int) -> None:
    """State a layer's new sizes."""
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = units, channels
    else:
        layer.groups, layer.out_channels, layer.in_channels = groups, units, channels


@torch.no_grad()
def cut_carrier(network: nn.Module, carrier: Carrier, keep: Tensor) -> None:
    """Keep only some entries of a tensor with one per channel, and state the new size of the module it belongs to."""
    path, _, name = carrier.path.rpartition(".")
    if keep.all():
        return
    owner: Any = network.get_submodule(path)
    tensor = held(network, carrier.path)
    _set(owner, name, _some(tensor, carrier.dim, keep))
    count = int(keep.sum())
    if isinstance(owner, BATCH_NORMS) or is_instance_norm(owner):
        owner.num_features = count
    elif isinstance(owner, nn.PReLU):
        owner.num_parameters = count
    elif is_depthwise(owner):
        owner.in_channels = owner.out_channels = owner.groups = count


def _set(module: nn.Module, name: str, tensor: Tensor) -> None:
    """Give a module another tensor of the same kind."""
    old, new = getattr(module, name), tensor.detach()
    if new.untyped_storage().nbytes() > new.nbytes or new.data_ptr() == old.data_ptr():
        new = new.clone()  # so that what was cut off is given up
    setattr(module, name, nn.Parameter(new, old.requires_grad) if isinstance(old, nn.Parameter) else new)


def cut_sizes(
    node: fx.Node, made: Channels, known: Mapping[fx.Node, Channels], kept: Callable[[Channels], Tensor]
) -> None:
    """State the new number of channels where a node reshapes or narrows a tensor to a size of its own."""
    name = name_of(node)
    if name == "reshape" and isinstance(node.args[1], tuple):
        sizes = list(node.args[1])
        if sizes[made.dim] != -1:
            sizes[made.dim] = int(kept(made).sum())
        node.args = (node.args[0], tuple(sizes))
    elif name == "narrow":
        source, dim, start, length = node.args
        given = known.get(source) if isinstance(source, fx.Node) else None
        if given is not None and dim % given.rank == given.dim:  # type: ignore[operator]
            before = int(kept(given)[:start].sum())
            node.args = (source, dim, before, int(kept(given)[start : start + length].sum()))  # type: ignore[operator]
