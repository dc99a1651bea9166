"""Networks whose removed units are always 0, with every layer as wide as it was."""

from collections.abc import Mapping
from copy import deepcopy

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from mipp_core.network.channels import spaces_read
from mipp_core.network.layers import Wiring, wiring_of


@torch.no_grad()
def silence(model: nn.Module, wiring: Wiring, name: str, keep: Bool[Tensor, " units"]) -> None:
    """Make a layer's removed units always 0, in place: their weights, biases and followers become 0."""
    _zero(model.get_submodule(name), ~keep)
    for use in wiring.flow.passes:
        for space, start in spaces_read(use):
            if space == name:
                module = model.get_submodule(str(use.node.target))
                gone = torch.zeros(use.channels.units, dtype=torch.bool)
                gone[start : start + len(keep)] = ~keep.cpu()
                _zero(module, gone)


def _zero(module: nn.Module, gone: Tensor) -> None:
    for tensor in (module.weight, module.bias, getattr(module, "running_mean", None)):
        if isinstance(tensor, Tensor):
            tensor[gone.to(tensor.device)] = 0


def silenced(model: nn.Module, masks: Mapping[str, Tensor]) -> nn.Module:
    """Return a copy of a network whose removed units are always 0."""
    copy, wiring = deepcopy(model), wiring_of(model)
    for layer in wiring.layers:
        silence(copy, wiring, layer.name, masks[layer.name])
    return copy
