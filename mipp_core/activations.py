"""One pass over the data: what every unit of every layer says about every sample."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.errors import SettingError
from mipp_core.evaluation import evaluating
from mipp_core.layers import OUTPUT, Chain, Layer, chain_of
from mipp_core.memory import halving
from mipp_core.vocabulary import INPUT, Collapse

Activations = dict[str, Float[Tensor, "n units"]]
"""Layer name -> one number per sample and unit."""


def collapse_maps(maps: Float[Tensor, "n units positions"], how: Collapse) -> Float[Tensor, "n units"]:
    """Turn each unit's map into one number (MIPP paper, Table 3).

    ``l1`` is the sum of magnitudes, ``l2`` the root of the sum of squares, ``mean`` the mean magnitude and ``std``
    the standard deviation over positions.  ``mean`` is ``l1`` divided by the map's size; MIPP standardises
    activations, so these two always decide alike.  A neuron has a single position and is left as it is.

    Raises:
        SettingError: the function is not one of the four.
    """
    if maps.shape[2] == 1:
        return maps.squeeze(2)
    if how == "l1":
        return maps.abs().sum(2)
    if how == "l2":
        return maps.square().sum(2).sqrt()
    if how == "mean":
        return maps.abs().mean(2)
    if how == "std":
        return maps.std(2, correction=0)
    raise SettingError(f"Filters cannot be collapsed by {how!r}; choose l1, l2, mean or std.")


@torch.no_grad()
def record(
    model: nn.Module, images: Float[Tensor, "n c h w"], how: Collapse = "l1", batch_size: int = 1000
) -> Activations:
    """Run the network once and return the activations of the input, of every prunable layer and of the output.

    A unit's activation is what the next layer reads: after the nonlinearity and the pooling.  The input's units are
    its pixels (channels taken together are kept apart: one unit per channel and position); the output is the logits.

    Args:
        model: a feed-forward network; its training flags are restored and no hook stays behind.
        images: on the network's device.
        how: collapses a filter's map into one number.
        batch_size: samples per forward pass; it does not change the result.
    """
    return halving(lambda size: _record(model, images, how, size), batch_size, "images")


def _record(model: nn.Module, images: Tensor, how: Collapse, batch_size: int) -> Activations:
    chain = chain_of(model)
    parts: dict[str, list[Tensor]] = {name: [] for name in (INPUT, *chain.names, OUTPUT)}
    hooks = [_listen(model, chain, layer, how, parts[layer.name]) for layer in chain.layers]
    try:
        with evaluating(model):
            for batch in images.split(batch_size):
                parts[INPUT].append(batch.flatten(1))
                parts[OUTPUT].append(model(batch))
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(pieces) for name, pieces in parts.items()}


def _listen(model: nn.Module, chain: Chain, layer: Layer, how: Collapse, heard: list[Tensor]):
    """Collect what the layer's reader reads of it."""

    def hear(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        maps = inputs[0].reshape(len(inputs[0]), layer.units, -1)
        heard.append(collapse_maps(maps, how))

    return model.get_submodule(layer.reader).register_forward_pre_hook(hear)
