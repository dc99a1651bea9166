"""Residual streams: what the next layer reads when a layer is added into one."""

from dataclasses import dataclass, replace

from torch import fx

from mipp_core.network.channels import Channels, Part, parts_read
from mipp_core.network.finding import Layer
from mipp_core.network.layers import Wiring


@dataclass(frozen=True)
class Stream:
    """The path of a layer's units through a stream, from the sum that adds them to the next layer.

    Attributes:
        layer: the layer.
        between: nodes of the graph, from the sum to the tensor that the next layer reads.
        channels: of that tensor.
        start: place of the layer's first number in it.
        span: consecutive numbers per channel.
    """

    layer: Layer
    between: tuple[fx.Node, ...]
    channels: Channels
    start: int
    span: int = 1


def streams_of(wiring: Wiring) -> list[Stream]:
    """Return the path of every layer that is added into a stream.

    A path ends at the sum if the stream's channels are mixed or only read in part.
    """
    return [_stream(wiring, layer) for layer in wiring.layers if layer.in_stream]


def _stream(wiring: Wiring, layer: Layer) -> Stream:
    flow = wiring.flow
    total = next(node for node in flow.graph.nodes if node.name == layer.voice.sum)
    for use in flow.reads:
        for part, start in parts_read(use):
            whole = replace(part, span=1) == Part(f"+{total.name}", flow.channels[total].numbers)
            if str(use.node.target) == layer.reader and whole:
                first = start + part.span * layer.voice.start
                return Stream(layer, _between(total, use.tensor), use.channels, first, part.span)
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
