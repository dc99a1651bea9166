"""Which channel of which tensor comes from which unit, followed through a network's graph.

A space is the set of channels that one node makes.  Every convolution and linear layer opens one, named after it, in
which removed units are always 0 (silent).  A space lasts as long as operations keep its channels apart and keep zeros
at zero.  A sum of spaces, and whatever cannot be followed, opens a new space in which no channel is known to be 0: a
stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from torch import fx, nn

from mipp_core.network import operations

Weighted = nn.Conv2d | nn.Linear
"""Layers with units."""


@dataclass(frozen=True)
class Part:
    """Consecutive channels of a tensor: all channels of one space, in order."""

    space: str
    units: int


@dataclass(frozen=True)
class Channels:
    """What is known of one tensor's channels.

    Attributes:
        parts: the spaces they belong to.
        rank: number of dimensions of the tensor.
        dim: the dimension that the channels lie along.
        spread: each channel is several consecutive numbers, because its map has been flattened.
        silent: a removed unit is 0 here; otherwise it may be any constant.
    """

    parts: tuple[Part, ...]
    rank: int
    dim: int = 1
    spread: bool = False
    silent: bool = True

    @property
    def units(self) -> int:
        """Total number of channels."""
        return sum(part.units for part in self.parts)


@dataclass(frozen=True)
class Use:
    """A node that reads a tensor whose channels are known.

    Attributes:
        node: the reader.
        tensor: what it reads.
        channels: that tensor's channels.
    """

    node: fx.Node
    tensor: fx.Node
    channels: Channels


@dataclass
class Flow:
    """Everything that is known of a network's channels.

    Attributes:
        graph: the network as ``torch.fx`` sees it in evaluation mode.
        channels: the channels of every tensor for which they are known.
        reads: calls of convolutions and linear layers that read known channels.
        passes: calls of modules with parameters per channel (normalisations, depthwise convolutions).
        mixes: every other use of known channels: it must be given all of them.
        gates: space of a layer whose results multiply other spaces' channels -> the channels it multiplies.
    """

    graph: fx.Graph
    channels: dict[fx.Node, Channels] = field(default_factory=dict)
    reads: list[Use] = field(default_factory=list)
    passes: list[Use] = field(default_factory=list)
    mixes: list[Use] = field(default_factory=list)
    gates: dict[str, Channels] = field(default_factory=dict)


def is_depthwise(module: object) -> TypeGuard[nn.Conv2d]:
    """Tell whether this is a convolution that filters each channel separately: its filters are not counted as units."""
    return isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels == module.out_channels


def follow(model: nn.Module, graph: fx.Graph) -> Flow:
    """Follow every channel from where it is made to where it is read."""
    flow = Flow(graph)
    for node in graph.nodes:
        found = _Step(model, flow, node).made()
        if found is not None:
            flow.channels[node] = found
    return flow


@dataclass(frozen=True)
class _Step:
    """One node, and what it does with the channels it is given."""

    model: nn.Module
    flow: Flow
    node: fx.Node

    def made(self) -> Channels | None:
        """Return the channels of the node's result, and record how it uses those it reads."""
        if self.node.op == "placeholder":
            return None
        module = operations.called(self.node, self.model)
        if isinstance(module, Weighted) and not is_depthwise(module):
            return self._weighted(module)
        known = [self.flow.channels[tensor] for tensor in self.node.all_input_nodes if tensor in self.flow.channels]
        if not known:
            return None
        if len(self.node.all_input_nodes) == 1:
            return self._one(known[0], module) or self._mixed(
                known[0], operations.is_normalisation(self.node, self.model)
            )
        alone = len(known) < len(self.node.all_input_nodes)
        return (None if alone else self._several(known)) or self._mixed(known[0], self._is_even(known))

    def _weighted(self, module: Weighted) -> Channels:
        """Record a read, if the channels can be matched with the layer's columns, and open the layer's space."""
        given = self._given()
        is_conv = isinstance(module, nn.Conv2d)
        columns, units = _sizes(module)
        if given is not None:
            fits = given.rank == 4 and given.dim == 1 if is_conv else given.dim == given.rank - 1
            whole = columns % given.units == 0 if given.spread else columns == given.units
            if fits and whole and given.silent:
                self.flow.reads.append(self._use(given))
            else:
                self._mixed(given, keeps_shape=False)
        rank = 4 if is_conv else given.rank if given is not None else 2
        return Channels((Part(str(self.node.target), units),), rank, 1 if is_conv else rank - 1)

    def _one(self, given: Channels, module: object) -> Channels | None:
        """Return the channels after an operation on one tensor; None if it mixes them."""
        node, model = self.node, self.model
        if operations.is_silent(node, model) or operations.is_scaling(node) or self._joins_alone(given):
            return given
        if operations.is_loud(node, model):
            return replace(given, silent=False) if not given.silent or self._starts_gate(given) else None
        if isinstance(module, operations.BATCH_NORMS) or is_depthwise(module):
            return self._parametrised(given, module)
        if operations.flattened_from(node, model) == 1 and given.dim == 1:
            return replace(given, rank=2, spread=given.spread or given.rank > 2)
        return self._reshaped(given)

    def _joins_alone(self, given: Channels) -> bool:
        """Tell whether a single tensor is concatenated, as at the start of DenseNet's blocks."""
        return operations.is_join(self.node) and given.dim == 1

    def _reshaped(self, given: Channels) -> Channels | None:
        """Follow an average over positions or a permutation of the dimensions."""
        averaged, order = operations.averaged_over(self.node), operations.permuted(self.node)
        if averaged is not None and given.rank == 4 and not given.spread:
            return _averaged(given, *averaged)
        if order is not None and len(order) == given.rank:
            return replace(given, dim=order.index(given.dim))
        return None

    def _parametrised(self, given: Channels, module: operations.BatchNorm | nn.Conv2d) -> Channels | None:
        width = module.num_features if isinstance(module, operations.BATCH_NORMS) else module.in_channels
        if given.dim != 1 or given.spread or not given.silent or width != given.units:
            return None
        self.flow.passes.append(self._use(given))
        return given

    def _several(self, known: list[Channels]) -> Channels | None:
        """Return the channels after a concatenation, or after one tensor gates another; None if they are mixed."""
        alike = len({(each.rank, each.dim, each.spread) for each in known}) == 1
        if operations.is_join(self.node) and alike and known[0].dim == 1 and all(each.silent for each in known):
            joined = [self.flow.channels[tensor] for tensor in operations.joined(self.node)]
            return replace(known[0], parts=tuple(part for each in joined for part in each.parts))
        loud = [each for each in known if not each.silent]
        return next(each for each in known if each.silent) if len(loud) == 1 else None

    def _is_even(self, known: list[Channels]) -> bool:
        """Tell whether a sum or product has as many channels as each of its operands."""
        one_shape = len({(each.units, each.rank, each.dim, each.spread) for each in known}) == 1
        return one_shape and known[0].units > 1 and (operations.is_sum(self.node) or operations.is_product(self.node))

    def _starts_gate(self, given: Channels) -> bool:
        """Tell whether this result does nothing but multiply other channels; if so, record it as their gate."""
        source, end = self._alone_before(), self._alone_after()
        if source is None or end is None or given.parts != (Part(str(source.target), given.units),):
            return False
        opened = [self.flow.channels[t] for t in end.all_input_nodes if t in self.flow.channels]
        if len(opened) != 1 or not opened[0].silent or (opened[0].units, opened[0].dim) != (given.units, given.dim):
            return False
        self.flow.gates[str(source.target)] = opened[0]
        return True

    def _alone_before(self) -> fx.Node | None:
        """Return the layer that this node's input comes from, if nothing else reads it on the way."""
        source = self.node.all_input_nodes[0]
        while len(source.users) == 1 and len(source.all_input_nodes) == 1:
            if isinstance(operations.called(source, self.model), Weighted):
                return source
            source = source.all_input_nodes[0]
        return None

    def _alone_after(self) -> fx.Node | None:
        """Return the product that this node's result goes into, if it goes nowhere else."""
        node = self.node
        while len(node.users) == 1:
            node = next(iter(node.users))
            if operations.is_product(node):
                return node
            if not (operations.is_silent(node, self.model) or operations.is_loud(node, self.model)):
                return None
        return None

    def _mixed(self, given: Channels, keeps_shape: bool) -> Channels | None:
        """Ask for all channels of everything that is read here; open a stream if the result keeps the shape."""
        for tensor in self.node.all_input_nodes:
            if tensor in self.flow.channels:
                self.flow.mixes.append(Use(self.node, tensor, self.flow.channels[tensor]))
        return replace(given, parts=(Part(f"+{self.node.name}", given.units),)) if keeps_shape else None

    def _given(self) -> Channels | None:
        return self.flow.channels.get(self.node.all_input_nodes[0])

    def _use(self, given: Channels) -> Use:
        return Use(self.node, self.node.all_input_nodes[0], given)


def _sizes(module: Weighted) -> tuple[int, int]:
    """Return how many channels a layer reads, and how many units it has."""
    if isinstance(module, nn.Conv2d):
        return module.in_channels, module.out_channels
    return module.in_features, module.out_features


def _averaged(given: Channels, over: tuple[int, ...], keep: bool) -> Channels | None:
    """Return the channels after averaging over positions; None if channels or samples are averaged."""
    over = tuple(dim % given.rank for dim in over)
    if given.dim in over or 0 in over or not over:
        return None
    return (
        given if keep else replace(given, rank=given.rank - len(over), dim=given.dim - sum(d < given.dim for d in over))
    )


def spaces_read(use: Use) -> Iterator[tuple[str, int]]:
    """Yield each space that is read and the index of its first channel."""
    start = 0
    for part in use.channels.parts:
        yield part.space, start
        start += part.units
