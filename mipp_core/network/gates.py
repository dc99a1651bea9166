"""Switches on units: every reader of a unit reads it multiplied by a number."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.network.assembling import assembled, free_name, insert
from mipp_core.network.channels import Channels, reads_space
from mipp_core.network.layers import wiring_of
from mipp_core.vocabulary import INPUT


class Gate(nn.Module):
    """Multiply each channel of a tensor by its unit's switch.

    Args:
        channels: of the tensor.
        switches: space -> one number per unit; channels of other spaces are left alone.
    """

    def __init__(self, channels: Channels, switches: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._channels, self._switches = channels, switches

    def forward(self, read: Tensor) -> Tensor:
        """Return the channels times their switches."""
        dim = self._channels.dim - self._channels.rank
        parts = [
            self._switches[part.space][part.start : part.start + part.units].to(read).repeat_interleave(part.span)
            if part.space in self._switches
            else read.new_ones(part.numbers)
            for part in self._channels.parts
        ]
        return read * torch.cat(parts).view(-1, *(1,) * (-1 - dim))

    def carries(self, space: str) -> bool:
        """Tell whether a space's channels are read here."""
        return any(part.space == space for part in self._channels.parts)

    def heard_of(self, space: str, units: int, tensor: Tensor) -> Float[Tensor, "n units numbers"] | None:
        """Return one space's channels of a tensor shaped like the one read here; None if the space is not read here.

        The numbers of units that are read more than once are behind each other; those that are not read are 0.
        """
        rows = tensor.movedim(self._channels.dim - self._channels.rank, 1)
        rows = rows.reshape(len(rows), self._channels.numbers, -1)
        found, start = [], 0
        for part in self._channels.parts:
            if part.space == space:
                own = rows[:, start : start + part.numbers].reshape(len(rows), part.units, -1)
                whole = own.new_zeros(len(rows), units, own.shape[2])
                whole[:, part.start : part.start + part.units] = own
                found.append(whole)
            start += part.numbers
        return torch.cat(found, 2) if found else None


class PixelGate(nn.Module):
    """Multiply the image by the pixels' switches."""

    def __init__(self, switches: Tensor) -> None:
        super().__init__()
        self._switches = switches

    def forward(self, images: Tensor) -> Tensor:
        """Return the image times its switches."""
        return images * self._switches.view(images.shape[1:]).to(images)


def gated(model: nn.Module, switches: Mapping[str, Float[Tensor, " units"]]) -> fx.GraphModule:
    """Return a network that shares the weights of ``model`` and has a switch on every unit given.

    A unit is switched wherever it is read or added into a stream.  Switches of 0 define pruning; the gradients of
    switches of 1 tell what each unit is worth.

    Args:
        model: in evaluation mode, as the result will be.
        switches: layer name -> one number per unit; those of the pixels under ``input``.
    """
    wiring = wiring_of(model)
    network, flow = wiring.network, wiring.flow
    gates: dict[str, nn.Module] = {}
    for use in (*flow.reads, *flow.mixes):
        if any(reads_space(use, space) for space in switches):
            name = free_name(network, "gate_0", gates)
            gates[name] = Gate(use.channels, switches)
            insert(flow.graph, name, use)
    if INPUT in switches:
        name = free_name(network, "gate_0", gates)
        gates[name] = PixelGate(switches[INPUT])
        image = next(node for node in flow.graph.nodes if node.op == "placeholder")
        with flow.graph.inserting_after(image):
            gate = flow.graph.call_module(name, (image,))
        image.replace_all_uses_with(gate, delete_user_cb=lambda user: user is not gate)
    return assembled(network, flow.graph, gates)


def open_gates(model: nn.Module, images: Tensor) -> tuple[fx.GraphModule, dict[str, Float[Tensor, " units"]]]:
    """Put a switch on every unit of every prunable layer: all are 1 and take gradients.

    Args:
        model: in evaluation mode.
        images: the switches get their dtype and device.

    Returns:
        The network with the switches, and the switches by layer.
    """
    gates = {layer.name: images.new_ones(layer.units, requires_grad=True) for layer in wiring_of(model).layers}
    return gated(model, gates), gates
