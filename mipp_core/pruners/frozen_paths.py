"""What a layer's units add to the numbers of a later node, everything in between frozen as it is for each image."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.network.assembling import assembled, free_name, insert
from mipp_core.network.channels import Channels, has_units, reads_space
from mipp_core.network.finding import Layer
from mipp_core.network.layers import wiring_of
from mipp_core.network.operations import called
from mipp_core.pruners.sampled_terms import Sampling


def end_at(graph: fx.Graph, node: fx.Node) -> None:
    """End a graph at one of its nodes, which becomes its result."""
    for later in reversed(list(graph.nodes)):
        if later is node:
            break
        graph.erase_node(later)
    graph.output(node)


class Switch(nn.Module):
    """Multiply a layer's units by switches of value 1, one per unit and image, that take gradients.

    Args:
        channels: of the tensor that is read.
        layer: whose units.
    """

    def __init__(self, channels: Channels, layer: Layer) -> None:
        super().__init__()
        self._channels, self._layer = channels, layer
        self.row = torch.empty(0)

    def forward(self, read: Tensor) -> Tensor:
        """Return the switched tensor, and keep the switches."""
        self.row = read.new_ones(len(read), self._layer.units).requires_grad_()
        each = [
            self.row[:, part.start : part.start + part.units].repeat_interleave(part.span, 1)
            if part.space == self._layer.name
            else read.new_ones(len(read), part.numbers)
            for part in self._channels.parts
        ]
        dim = self._channels.dim - self._channels.rank + read.ndim
        return read * torch.cat(each, 1).view(len(read), *[-1 if at == dim else 1 for at in range(1, read.ndim)])


class _Frozen(fx.Interpreter):
    """Runs a graph in which gradients pass no layer except the last."""

    def __init__(self, model: fx.GraphModule, last: str) -> None:
        super().__init__(model)
        self._last = last

    def run_node(self, node: fx.Node) -> object:
        """Run one node; detach the result of any layer before the last."""
        result = super().run_node(node)
        passes = node.name == self._last or node.op != "call_module" or not has_units(called(node, self.module))
        return result if passes else result.detach()


@dataclass(frozen=True)
class FrozenPath:
    """A network that ends at one node, with switches on a layer's units wherever they reach that node.

    Attributes:
        run: gives the node's result.
        switches: on the units, wherever they are read.
    """

    run: _Frozen
    switches: tuple[Switch, ...]

    @classmethod
    def to(cls, hearer: str, model: nn.Module, layer: Layer) -> "FrozenPath":
        """Make the path from a layer's units to a node.

        Args:
            hearer: the node's name in the network's graph.
            model: in evaluation mode; its parameters take no gradients.
            layer: whose units.
        """
        wiring = wiring_of(model)
        network, flow = wiring.network, wiring.flow
        last = next(node for node in flow.graph.nodes if node.name == hearer)
        added: dict[str, nn.Module] = {}
        for use in (*flow.mixes, *(use for use in flow.reads if use.node is last)):
            if reads_space(use, layer.name):
                name = free_name(network, "switch_0", added)
                added[name] = Switch(use.channels, layer)
                insert(flow.graph, name, use)
        end_at(flow.graph, last)
        made = assembled(network, flow.graph, added)
        return cls(_Frozen(made, hearer), tuple(module for module in made.modules() if isinstance(module, Switch)))

    def slopes(self, images: Float[Tensor, "n c h w"], how: Sampling) -> Float[Tensor, "numbers units"]:
        """Differentiate sampled numbers of the node's result by the switches of their images."""
        found = []
        for batch in images.split(how.batch_size):
            with torch.enable_grad():
                numbers = self.run.run(batch).flatten(1)
                chosen = torch.randint(numbers.shape[1], (how.positions, len(batch)), generator=how.generator)
                each = [self._slope(numbers[torch.arange(len(batch)), place].sum()) for place in chosen]
            found.append(torch.stack(each, 1).flatten(0, 1))
        return torch.cat(found)

    def _slope(self, number: Float[Tensor, ""]) -> Float[Tensor, "n units"]:
        """Differentiate the sum of one number of every image."""
        rows = [switch.row for switch in self.switches]
        heard = number + 0 * torch.stack(rows).sum()  # so that a switch with no effect has slope 0
        return torch.stack(torch.autograd.grad(heard, rows, retain_graph=True)).sum(0)
