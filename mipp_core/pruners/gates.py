"""Switches on units: what the next layer reads of each, times a number."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.layers import Layer, chain_of


def open_gates(model: nn.Module, images: Tensor) -> dict[str, Float[Tensor, " units"]]:
    """Put a switch on every unit of a network, in place, and return them: all 1, and taking gradients.

    Args:
        model: a copy that may be changed.
        images: of the dtype and on the device of the switches.
    """
    options = {"dtype": images.dtype, "device": images.device, "requires_grad": True}
    gates = {layer.name: torch.ones(layer.units, **options) for layer in chain_of(model).layers}
    attach(model, gates)
    return gates


def attach(model: nn.Module, gates: Mapping[str, Float[Tensor, " units"]]) -> None:
    """Multiply what is read of every unit by its switch, in place."""
    for layer in chain_of(model).layers:
        _attach(model, layer, gates[layer.name])


def _attach(model: nn.Module, layer: Layer, gate: Tensor) -> None:
    def switch(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        shape = (1, -1, 1, 1) if isinstance(module, nn.Conv2d) else (1, -1)
        return (inputs[0] * gate.repeat_interleave(layer.span).view(shape),)

    model.get_submodule(layer.reader).register_forward_pre_hook(switch)
