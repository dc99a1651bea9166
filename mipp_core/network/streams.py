"""Residual streams: what the next layer reads of a layer that is added into one."""

from dataclasses import dataclass

from torch import fx

from mipp_core.network.channels import Channels, spaces_read
from mipp_core.network.layers import Layer, Wiring


@dataclass(frozen=True)
class Stream:
    """The way of a layer's units through a stream, from the sum they are added in to the next layer.

    Attributes:
        layer: the layer.
        between: nodes of the graph from the sum, the first, to what the next layer reads, the last.
        channels: of what the next layer reads.
        start: place of the layer's first channel there.
    """

    layer: Layer
    between: tuple[fx.Node, ...]
    channels: Channels
    start: int


def streams_of(wiring: Wiring) -> list[Stream]:
    """Return the way of every layer that is added into a stream.

    It ends before the first operation, if there is one, that mixes the stream's channels.
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
    """Return the prunable layers that a way from the image to the output goes round: without them the network lives."""
    return frozenset(layer.name for layer in wiring.layers if _lives_without(layer.name, wiring))


def _lives_without(name: str, wiring: Wiring) -> bool:
    reached: set[fx.Node] = set()
    for node in wiring.flow.graph.nodes:
        closed = node.op == "call_module" and str(node.target) == name
        if node.op == "placeholder" or (not closed and reached.intersection(node.all_input_nodes)):
            reached.add(node)
    return any(node.op == "output" for node in reached)


def _between(start: fx.Node, end: fx.Node) -> tuple[fx.Node, ...]:
    """Return the nodes that lie on a way from one to another, both included, in the order of the graph."""
    after, before = {start}, {end}
    for node in start.graph.nodes:
        if after.intersection(node.all_input_nodes):
            after.add(node)
    for node in reversed(start.graph.nodes):
        if before.intersection(node.users):
            before.add(node)
    return tuple(node for node in start.graph.nodes if node in after and node in before)
