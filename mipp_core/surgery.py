"""From keep-masks to a really smaller network, exact to rounding."""

from collections import OrderedDict
from copy import deepcopy

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from mipp_core.errors import ModelError
from mipp_core.layers import Chain, chain_of, device_of, silence, weighted
from mipp_core.masks import KeepMasks
from mipp_core.models import Architecture
from mipp_core.vocabulary import INPUT


class PixelMask(nn.Module):
    """Multiply the image by the pixels' keep-mask: a removed pixel reads 0.

    Pixels cannot be cut out of a convolution's input without changing what it computes, so they are masked.
    """

    def __init__(self, keep: Bool[Tensor, " pixels"], image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("keep", keep.view(image_shape))

    def forward(self, images: Tensor) -> Tensor:
        """Return the images with removed pixels at 0."""
        return images * self.keep


def with_pixel_mask(model: nn.Module, masks: KeepMasks, image_shape: tuple[int, int, int]) -> nn.Module:
    """Put the pixels' keep-mask in front of a network, if there is one."""
    if INPUT not in masks:
        return model
    return nn.Sequential(OrderedDict(pixels=PixelMask(masks[INPUT].to(device_of(model)), image_shape), network=model))


def shrink(model: nn.Module, architecture: Architecture, masks: KeepMasks) -> tuple[nn.Module, Architecture]:
    """Cut removed units out and return a new, smaller network and its architecture.

    In evaluation mode its outputs equal those of the dense network whose removed units are multiplied by 0.  A
    collapsed layer keeps one unit with all its weights at 0, the smallest network that runs and computes the same.
    Removed pixels are not cut (see ``PixelMask``).

    Args:
        model: a network of that architecture; left untouched.
        architecture: what ``model`` was built from.
        masks: one for every prunable layer; a mask of the input is ignored here.

    Raises:
        ModelError: the masks do not fit the network.
    """
    chain = chain_of(model)
    own = masks.without_input()
    _check(chain, own)
    slim_architecture = architecture.with_widths(tuple(max(1, own.kept[name]) for name in chain.names))
    slim = slim_architecture.build().to(next(model.parameters()))
    columns: Tensor | None = None
    for name in (*chain.names, chain.last):
        rows = _kept_or_first(own[name]) if name != chain.last else None
        _cut(weighted(slim, name), weighted(model, name), rows, columns)
        if rows is not None:
            for norm in chain[name].norms:
                _cut_norm(slim.get_submodule(norm), model.get_submodule(norm), rows)
            columns = rows.repeat_interleave(chain[name].span)
            if not own[name].any():
                silence(slim, chain[name], torch.zeros(1, dtype=torch.bool))
    return slim.train(model.training), slim_architecture


def masked(model: nn.Module, masks: KeepMasks) -> nn.Module:
    """Return a copy of the network that multiplies removed units by 0 where the next layer reads them.

    The definition of pruning, and the slow twin of ``shrink``.
    """
    twin = deepcopy(model)
    for layer in chain_of(model).layers:
        keep = masks[layer.name].repeat_interleave(layer.span).to(device_of(model))
        shape = (1, -1, 1, 1) if isinstance(weighted(twin, layer.reader), nn.Conv2d) else (1, -1)
        _mask_reader(weighted(twin, layer.reader), keep.view(shape))
    if INPUT in masks:
        _mask_input(weighted(twin, chain_of(model).first), masks[INPUT].to(device_of(model)))
    return twin


def _mask_reader(reader: nn.Module, keep: Tensor) -> None:
    reader.register_forward_pre_hook(lambda _, inputs: (inputs[0] * keep.to(inputs[0].device),))


def _mask_input(reader: nn.Module, keep: Tensor) -> None:
    reader.register_forward_pre_hook(
        lambda _, inputs: (inputs[0] * keep.view(inputs[0].shape[1:]).to(inputs[0].device),)
    )


def _check(chain: Chain, masks: KeepMasks) -> None:
    expected = {layer.name: layer.units for layer in chain.layers}
    if masks.units != expected:
        raise ModelError(f"The keep-masks {masks.units} do not fit the network; its layers are {expected}.")


def _kept_or_first(mask: Bool[Tensor, " units"]) -> Bool[Tensor, " units"]:
    """Return the mask, or the first unit alone where the layer has collapsed."""
    if mask.any():
        return mask
    first = torch.zeros_like(mask)
    first[0] = True
    return first


@torch.no_grad()
def _cut(slim: nn.Module, dense: nn.Module, rows: Tensor | None, columns: Tensor | None) -> None:
    """Copy the kept rows and columns of one layer."""
    weight, bias = dense.weight, dense.bias
    if rows is not None:
        weight, bias = weight[rows], bias[rows]
    slim.weight.copy_(weight if columns is None else weight[:, columns])
    slim.bias.copy_(bias)


@torch.no_grad()
def _cut_norm(slim: nn.Module, dense: nn.Module, rows: Tensor) -> None:
    """Copy the kept channels of a batch normalisation; its count of batches stays."""
    for name, tensor in dense.state_dict().items():
        slim.state_dict()[name].copy_(tensor[rows] if tensor.ndim else tensor)
