"""A wiring of a network as prunable layers: their order, their units and who reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import fx, nn

from mipp_core.errors import ModelError
from mipp_core.network.channels import Flow, Use, Weighted, follow, is_depthwise, spaces_read
from mipp_core.network.operations import called, flattened_from, is_sum
from mipp_core.network.tracing import traced

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


@dataclass(frozen=True)
class Wiring:
    """The prunable layers of a network, input to output.

    Attributes:
        flow: where every channel goes.
        layers: prunable layers.  Layers that give the classes, that weigh other layers' units (as in
            squeeze-and-excitation) or that carry a residual stream past a block are not among them.
        weighted: paths of all convolutions and linear layers, depthwise ones apart.
        image_readers: paths of those that read the image, in the order in which they run.
    """

    flow: Flow = field(repr=False, compare=False)
    layers: tuple[Layer, ...]
    weighted: tuple[str, ...]
    image_readers: tuple[str, ...]

    def __getitem__(self, name: str) -> Layer:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {layer.name: layer for layer in self.layers}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the prunable layers, input to output."""
        return tuple(layer.name for layer in self.layers)

    @property
    def last(self) -> str:
        """Path of the last layer."""
        return self.weighted[-1]


def wiring_of(model: nn.Module) -> Wiring:
    """Follow a network with ``torch.fx``, as it runs in evaluation mode.

    Operations that are not known to keep channels apart are taken to mix them: pruning then stops at them, exactly.

    Raises:
        ModelError: the network cannot be traced, or has no layer that can be pruned.
    """
    flow = follow(model, traced(model))
    calls = _calls(flow.graph, model)
    finder = _Finder(model, flow, calls)
    layers = tuple(finder.layers())
    if not layers:
        raise ModelError(
            f"This network has {len(calls)} convolution or linear layers and none that can be pruned; pruning needs "
            "at least 2, one reading the other."
        )
    return Wiring(flow, layers, tuple(calls), finder.image_readers())


def _calls(graph: fx.Graph, model: nn.Module) -> dict[str, list[fx.Node]]:
    """Return every layer with units and the nodes that call it."""
    found: dict[str, list[fx.Node]] = {}
    for node in graph.nodes:
        if node.op == "call_module" and _has_units(called(node, model)):
            found.setdefault(str(node.target), []).append(node)
    return found


def _has_units(module: object) -> bool:
    return isinstance(module, Weighted) and not is_depthwise(module)


@dataclass(frozen=True)
class _Finder:
    """Finds the prunable layers among those with units."""

    model: nn.Module
    flow: Flow
    calls: Mapping[str, list[fx.Node]]

    def layers(self) -> Iterator[Layer]:
        """Yield the prunable layers, input to output."""
        for name, nodes in self.calls.items():
            ends = self._ends.get(name, [])
            if ends and not self._is_kept_whole(name, ends):
                end, start = self._first_heard(ends)
                yield Layer(
                    name,
                    weighted(self.model, name).weight.shape[0],
                    self._readers(nodes[0]),
                    self._span(end),
                    tuple(dict.fromkeys(self._followers(name))),
                    self._voice(end, start),
                )

    def image_readers(self) -> tuple[str, ...]:
        """Return the layers that read the image."""
        return self._readers(next(node for node in self.flow.graph.nodes if node.op == "placeholder"))

    @cached_property
    def _ends(self) -> dict[str, list[tuple[Use, int]]]:
        """Where each layer's channels end: read or mixed, in the order of the graph, and the place of the first."""
        place = {node: number for number, node in enumerate(self.flow.graph.nodes)}
        found: dict[str, list[tuple[Use, int]]] = {}
        for use in sorted([*self.flow.reads, *self.flow.mixes], key=lambda use: place[use.node]):
            for space, start in spaces_read(use):
                found.setdefault(space, []).append((use, start))
        return found

    def _is_kept_whole(self, name: str, ends: list[tuple[Use, int]]) -> bool:
        gives_result = any(use.node.op == "output" for use, _ in ends)
        return gives_result or name in self.flow.gates or any(self._is_shortcut(name, use) for use, _ in ends)

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
        heard = tuple(dict.fromkeys(_next_layers(node, self.model)))
        return tuple(name for name in heard if not self._only_weighs(name)) or heard or (OUTPUT,)

    def _first_heard(self, ends: list[tuple[Use, int]]) -> tuple[Use, int]:
        """Return where channels are first read, by a layer that does more than weigh them if there is one."""
        weighing = {str(use.node.target) for use, _ in ends if self._only_weighs(str(use.node.target))}
        return next((end for end in ends if str(end[0].node.target) not in weighing), ends[0])

    def _only_weighs(self, name: str) -> bool:
        if name in self.flow.gates:
            return True
        following = list(_next_layers(self.calls[name][0], self.model)) if name in self.calls else []
        return bool(following) and following[0] in self.flow.gates and len(self._ends.get(name, [])) == 1

    def _span(self, end: Use) -> int:
        module = called(end.node, self.model)
        return module.in_features // end.channels.units if isinstance(module, nn.Linear) and end.channels.spread else 1

    def _followers(self, name: str) -> Iterator[str]:
        for use in self.flow.passes:
            if name in {space for space, _ in spaces_read(use)}:
                yield str(use.node.target)

    def _voice(self, end: Use, start: int) -> Voice:
        tensor = end.tensor
        while flattened_from(tensor, self.model) is not None:
            tensor = tensor.all_input_nodes[0]
        in_stream = is_sum(end.node) and end.node in self.flow.channels  # not a sum that repeats some of its channels
        return Voice(tensor.name, start, end.node.name if in_stream else None)


def _next_layers(node: fx.Node, model: nn.Module) -> Iterator[str]:
    """Yield the layers that read a node without another in between, in the order of the graph."""
    hearing = {node}
    for later in node.graph.nodes:
        if later is not node and hearing.intersection(later.all_input_nodes):
            if later.op == "call_module" and _has_units(called(later, model)):
                yield str(later.target)
            else:
                hearing.add(later)


def _layers_between(start: fx.Node, end: fx.Node, model: nn.Module, past: fx.Node) -> int:
    """Return the most convolutions and linear layers on a way from one tensor to another that avoids a third.

    -1 if there is no way.
    """
    most = {start: 0}
    for node in start.graph.nodes:
        before = [most[tensor] for tensor in node.all_input_nodes if tensor in most]
        if before and node is not start and node is not past:
            most[node] = max(before) + isinstance(called(node, model), Weighted)
    return most.get(end, -1)


def weighted(model: nn.Module, name: str) -> nn.Conv2d | nn.Linear:
    """Return the convolution or linear layer at a path."""
    module = model.get_submodule(name)
    if not isinstance(module, nn.Conv2d | nn.Linear):
        raise ModelError(f"{name!r} is a {type(module).__name__}; a convolution or a linear layer was expected.")
    return module


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the network's weights."""
    return next(model.parameters()).device
