"""Residual streams: what the next layer reads when a layer is added into one."""

from dataclasses import dataclass

from torch import fx

from mipp_core.network.channels import Channels, spaces_read
from mipp_core.network.layers import Layer, Wiring


@dataclass(frozen=True)
class Stream:
    """The path of a layer's units through a stream, from the sum that adds them to the next layer.

    Attributes:
        layer: the layer.
        between: nodes of the graph, from the sum to the tensor that the next layer reads.
        channels: of that tensor.
        start: index of the layer's first channel in it.
    """

    layer: Layer
    between: tuple[fx.Node, ...]
    channels: Channels
    start: int


def streams_of(wiring: Wiring) -> list[Stream]:
    """Return the path of every layer that is added into a stream.

    A path ends before the first operation, if any, that mixes the stream's channels.
    """
    return [_stream(wiring, layer) for layer in wiring.layers if layer.in_stream]


def _stream(wiring: Wiring, layer: Layer) -> Stream:
    flow = wiring.flow
    total = next(node for node in flow.graph.nodes if node.name == layer.voice.sum)
    for use in flow.reads:
        places = dict(spaces_read(use))
        if str(use.node.target) == layer.reader and f"+{total.name}" in places:
            return Stream(
                layer, _between(total, use.tensor), use.channels, places[f"+{total.name}"] + layer.voice.start
            )
    return Stream(layer, (total,), flow.channels[total], layer.voice.start)


def passed_by(wiring: Wiring) -> frozenset[str]:
    """Return the prunable layers that some path from image to output avoids: without them the network still works."""
    return frozenset(layer.name for layer in wiring.layers if _lives_without(layer.name, wiring))


def _lives_without(name: str, wiring: Wiring) -> bool:
    reached: set[fx.Node] = set()
    for node in wiring.flow.graph.nodes:
        closed = node.op == "call_module" and str(node.target) == name
        if node.op == "placeholder" or (not closed and reached.intersection(node.all_input_nodes)):
            reached.add(node)
    return any(node.op == "output" for node in reached)


def _between(start: fx.Node, end: fx.Node) -> tuple[fx.Node, ...]:
    """Return the nodes on any path from one node to another, both included, in the order of the graph."""
    after, before = {start}, {end}
    for node in start.graph.nodes:
        if after.intersection(node.all_input_nodes):
            after.add(node)
    for node in reversed(start.graph.nodes):
        if before.intersection(node.users):
            before.add(node)
    return tuple(node for node in start.graph.nodes if node in after and node in before)
