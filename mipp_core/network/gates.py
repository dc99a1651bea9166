"""Switches on units: every reader of a unit reads it multiplied by a number."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.network.channels import Channels, Use
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
        parts = [self._switches.get(part.space, torch.ones(part.units)).to(read) for part in self._channels.parts]
        row = torch.cat(parts).repeat_interleave(read.shape[dim] // self._channels.units)
        return read * row.view(-1, *(1,) * (-1 - dim))

    def heard_of(self, space: str, tensor: Tensor) -> Float[Tensor, "n units numbers"] | None:
        """Return one space's channels of a tensor shaped like the one read here; None if the space is not read here."""
        start = 0
        for part in self._channels.parts:
            if part.space == space:
                rows = tensor.movedim(self._channels.dim - self._channels.rank, 1)
                return rows.reshape(len(tensor), self._channels.units, -1)[:, start : start + part.units]
            start += part.units
        return None


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
    flow = wiring_of(model).flow
    heard = [use for use in (*flow.reads, *flow.mixes) if any(p.space in switches for p in use.channels.parts)]
    gates: dict[str, nn.Module] = {}
    for number, use in enumerate(heard):
        gates[f"gate_{number}"] = Gate(use.channels, switches)
        insert(flow.graph, f"gate_{number}", use)
    if INPUT in switches:
        gates["gate_input"] = PixelGate(switches[INPUT])
        image = next(node for node in flow.graph.nodes if node.op == "placeholder")
        with flow.graph.inserting_after(image):
            gate = flow.graph.call_module("gate_input", (image,))
        image.replace_all_uses_with(gate, delete_user_cb=lambda user: user is not gate)
    return assembled(model, flow.graph, gates)


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


def insert(graph: fx.Graph, name: str, use: Use) -> None:
    """Put a module between a tensor and one of its readers."""
    with graph.inserting_before(use.node):
        use.node.replace_input_with(use.tensor, graph.call_module(name, (use.tensor,)))


def assembled(model: nn.Module, graph: fx.Graph, added: Mapping[str, nn.Module]) -> fx.GraphModule:
    """Make a network from a graph, another network's modules and new ones; what the graph does not use is left out."""
    root: dict[str, nn.Module | Tensor] = {}
    for node in graph.nodes:
        path = str(node.target)
        if node.op == "call_module":
            root[path] = added[path] if path in added else model.get_submodule(path)
        elif node.op == "get_attr":
            root[path] = _attribute(model, path)
    made = fx.GraphModule(root, graph)
    made.training = model.training
    return made


def _attribute(model: nn.Module, path: str) -> Tensor:
    owner, _, name = path.rpartition(".")
    return getattr(model.get_submodule(owner), name)
