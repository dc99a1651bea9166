"""Networks whose removed units are always 0, with every layer as wide as it was."""

from collections.abc import Mapping
from copy import deepcopy

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from mipp_core.network.assembling import held
from mipp_core.network.channels import TRANSPOSED, places
from mipp_core.network.layers import Wiring, weighted, wiring_of
from mipp_core.network.recording import followed


@torch.no_grad()
def silence(model: nn.Module, wiring: Wiring, name: str, keep: Bool[Tensor, " units"]) -> None:
    """Make a layer's removed units always 0, in place: their weights, biases and what is added to them become 0."""
    layer = weighted(model, name)
    gone = ~keep.to(layer.weight.device)
    if isinstance(layer, TRANSPOSED):
        layer.weight.unflatten(0, (layer.groups, -1)).movedim(2, 1)[gone.view(layer.groups, -1)] = 0
    else:
        layer.weight[gone] = 0
    if layer.bias is not None:
        layer.bias[gone] = 0
    for use in wiring.flow.passes:
        for first, rows in places(use, name):
            quiet = rows[~keep.cpu()[first : first + len(rows)]].flatten()
            for carrier in use.carriers:
                if carrier.added:
                    tensor = held(model, carrier.path)
                    tensor.index_fill_(carrier.dim, quiet.to(tensor.device), 0)


def silenced(model: nn.Module, masks: Mapping[str, Tensor]) -> nn.Module:
    """Return a copy of a network whose removed units are always 0."""
    copy = deepcopy(followed(model))
    wiring = wiring_of(copy)
    for layer in wiring.layers:
        silence(copy, wiring, layer.name, masks[layer.name])
    return copy
