"""Finds the prunable layers of a network among those with units, and says why the others are not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import fx, nn

from mipp_core.network.channels import (
    WEIGHTED,
    Channels,
    Flow,
    Part,
    Use,
    has_units,
    is_depthwise,
    parts_read,
    sizes_of,
)
from mipp_core.network.operations import called, is_sum

OUTPUT = "output"
"""The name of the network's final result, which no layer reads."""


@dataclass(frozen=True)
class Voice:
    """The tensor that holds a layer's activations: as the next layer reads them, or as they are added into a stream.

    Attributes:
        tensor: name of the graph's node.
        start: place of the layer's first channel there.
        sum: name of the node that adds it into a stream, if it is added into one.
    """

    tensor: str
    start: int = 0
    sum: str | None = None


@dataclass(frozen=True)
class Layer:
    """A layer whose units can be removed.

    The activation of a unit is what the next layer reads of it, after normalisation, nonlinearity and pooling; where
    it is added into a residual stream, it is what is added.  A removed unit is 0 there.

    Attributes:
        name: its module's path in the network.
        units: filters of a convolution, neurons of a linear layer.
        readers: paths of the layers that read it, directly or through a stream, in the order in which they run.
        span: consecutive numbers the next layer reads per unit: 1, or the map's size where it is flattened first.
        followers: paths of the batch normalisations and depthwise convolutions whose channels go with the units.
        voice: the tensor that holds its activations.
    """

    name: str
    units: int
    readers: tuple[str, ...]
    span: int = 1
    followers: tuple[str, ...] = ()
    voice: Voice = field(default=Voice(""), compare=False)

    @property
    def reader(self) -> str:
        """Path of the next layer: the first that reads it."""
        return self.readers[0]

    @property
    def in_stream(self) -> bool:
        """Tell whether it is added into a residual stream, which keeps its width whatever is removed."""
        return self.voice.sum is not None


def calls_of(graph: fx.Graph, model: nn.Module) -> dict[str, list[fx.Node]]:
    """Return every layer with units and the nodes that call it."""
    found: dict[str, list[fx.Node]] = {}
    for node in graph.nodes:
        if node.op == "call_module" and has_units(called(node, model)):
            found.setdefault(str(node.target), []).append(node)
    return found


@dataclass(frozen=True)
class Finder:
    """Finds the prunable layers.

    Attributes:
        model: the network.
        flow: where its channels go.
        calls: every layer with units, and the nodes that call it.
    """

    model: nn.Module
    flow: Flow
    calls: Mapping[str, list[fx.Node]]

    def layers(self) -> Iterator[Layer]:
        """Yield the prunable layers, input to output."""
        for name, nodes in self.calls.items():
            if name not in self._whole:
                end, part, start = self._first_heard(self._ends[name])
                yield Layer(
                    name,
                    self._units(name),
                    self._readers(nodes[0]),
                    part.span,
                    tuple(dict.fromkeys(self._followers(name))),
                    self._voice(name, end, start),
                )

    def whole(self) -> dict[str, str]:
        """Return every layer that is not prunable, and why."""
        return dict(self._whole)

    def image_readers(self) -> tuple[str, ...]:
        """Return the layers that read the image."""
        return self._readers(next(node for node in self.flow.graph.nodes if node.op == "placeholder"))

    @cached_property
    def _whole(self) -> dict[str, str]:
        found = {name: self._why_whole(name) for name in self.calls}
        return {name: why for name, why in found.items() if why}

    def _why_whole(self, name: str) -> str:
        """Say why a layer is not prunable; nothing if it is."""
        ends = self._ends.get(name, [])
        if name in self.flow.gates:
            weighed = dict.fromkeys(part.space for part in self.flow.gates[name].parts if part.space in self.calls)
            return (
                f"its units weigh those of {', '.join(weighed)} and go with them"
                if weighed
                else "its units weigh a stream, which keeps its width"
            )
        if self._gives_answer(name):
            return "the network's answer is made of its units"
        if not ends:
            return "nothing reads its units"
        if any(self._is_shortcut(name, use) for use, _, _ in ends):
            return "it carries a residual stream past a block"
        return ""

    def _gives_answer(self, name: str) -> bool:
        """Tell whether some way from a layer to the network's answer passes no other layer with weights."""
        waiting = list(self.calls[name])
        reached = set(waiting)
        while waiting:
            for later in waiting.pop().users:
                if later.op == "output":
                    return True
                if later not in reached and not self._has_weights(later):
                    reached.add(later)
                    waiting.append(later)
        return False

    def _has_weights(self, node: fx.Node) -> bool:
        module = called(node, self.model)
        if not isinstance(module, nn.Module) or is_depthwise(module):
            return False
        return any(weights.ndim > 1 for weights in module.parameters())

    @cached_property
    def _ends(self) -> dict[str, list[tuple[Use, Part, int]]]:
        """Where each layer's channels end: read or mixed, in the order of the graph, and the place of the first."""
        place = {node: number for number, node in enumerate(self.flow.graph.nodes)}
        found: dict[str, list[tuple[Use, Part, int]]] = {}
        for use in sorted([*self.flow.reads, *self.flow.mixes], key=lambda use: place[use.node]):
            for part, start in parts_read(use):
                found.setdefault(part.space, []).append((use, part, start))
        return found

    def _is_shortcut(self, name: str, use: Use) -> bool:
        """Tell whether a layer carries a stream past a block: a single layer beside two or more."""
        if not is_sum(use.node):
            return False
        others = [tensor for tensor in use.node.all_input_nodes if tensor is not use.tensor]
        return any(
            _layers_between(call.all_input_nodes[0], other, self.model, past=call) >= 2
            for call in self.calls[name]
            for other in others
        )

    def _readers(self, node: fx.Node) -> tuple[str, ...]:
        """Return the layers that read a node; those that only weigh others' units only if there are no others."""
        heard = self._next_layers(node)
        return tuple(name for name in heard if not self._only_weighs(name)) or heard or (OUTPUT,)

    @cached_property
    def _known_next(self) -> dict[fx.Node, tuple[str, ...]]:
        return {}

    def _next_layers(self, node: fx.Node) -> tuple[str, ...]:
        """Return the layers that read a node without another in between, in the order of the graph."""
        if node not in self._known_next:
            self._known_next[node] = tuple(dict.fromkeys(_next_layers(node, self.model)))
        return self._known_next[node]

    def _first_heard(self, ends: list[tuple[Use, Part, int]]) -> tuple[Use, Part, int]:
        """Return where channels are first read, by a layer that does more than weigh them if there is one."""
        weighing = {str(use.node.target) for use, _, _ in ends if self._only_weighs(str(use.node.target))}
        return next((end for end in ends if str(end[0].node.target) not in weighing), ends[0])

    def _only_weighs(self, name: str) -> bool:
        if name in self.flow.gates:
            return True
        following = self._next_layers(self.calls[name][0]) if name in self.calls else ()
        return bool(following) and following[0] in self.flow.gates and len(self._ends.get(name, [])) == 1

    def _followers(self, name: str) -> Iterator[str]:
        for use in self.flow.passes:
            if use.node.op == "call_module" and any(part.space == name for part, _ in parts_read(use)):
                yield str(use.node.target)

    def _units(self, name: str) -> int:
        layer = called(self.calls[name][0], self.model)
        return sizes_of(layer)[1]

    def _voice(self, name: str, end: Use, start: int) -> Voice:
        """Return where the layer's activations are one number or map per unit: at its end, or before a flattening."""
        tensor, whole = end.tensor, Part(name, self._units(name))
        in_stream = is_sum(end.node) and end.node in self.flow.channels  # not a sum that repeats some of its channels
        while whole not in self.flow.channels[tensor].parts:
            tensor = next(read for read in tensor.all_input_nodes if self._holds(read, name))
            in_stream = False
        channels = self.flow.channels[tensor]
        return Voice(tensor.name, _start_of(whole, channels), end.node.name if in_stream else None)

    def _holds(self, tensor: fx.Node, name: str) -> bool:
        return (
            any(part.space == name for part in self.flow.channels[tensor].parts)
            if (tensor in self.flow.channels)
            else False
        )


def _start_of(whole: Part, channels: Channels) -> int:
    """Return the place of a part's first number."""
    before = channels.parts[: channels.parts.index(whole)]
    return sum(part.numbers for part in before)


def _next_layers(node: fx.Node, model: nn.Module) -> list[str]:
    """Return the layers that read a node without another in between, call by call, in the order of the graph."""
    waiting, hearing, found = [node], {node}, set[fx.Node]()
    while waiting:
        for later in waiting.pop().users:
            if later.op == "call_module" and has_units(called(later, model)):
                found.add(later)
            elif later not in hearing:
                hearing.add(later)
                waiting.append(later)
    return [str(layer.target) for layer in sorted(found)]


def _layers_between(start: fx.Node, end: fx.Node, model: nn.Module, past: fx.Node) -> int:
    """Return the most convolutions and linear layers on a way from one tensor to another that avoids a third.

    -1 if there is no way.
    """
    most = {start: 0}
    for node in start.graph.nodes:
        before = [most[tensor] for tensor in node.all_input_nodes if tensor in most]
        if before and node is not start and node is not past:
            most[node] = max(before) + isinstance(called(node, model), WEIGHTED)
    return most.get(end, -1)
