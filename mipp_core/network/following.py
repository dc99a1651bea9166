"""Follows every channel of a network from where it is made to where it is read."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import fx, nn

from mipp_core.network import operations
from mipp_core.network.carriers import carriers_of
from mipp_core.network.channels import Channels, Flow, Part, Use, has_units, parts_read, sizes_of
from mipp_core.network.dimensions import moved
from mipp_core.network.pairs import Pair
from mipp_core.network.plain_shapes import name_of, shape_of, tensors_read


def follow(model: nn.Module, graph: fx.Graph) -> Flow:
    """Follow every channel, until it is known which operations have to be given all of them.

    Args:
        model: the network.
        graph: its graph in the plain form, with shapes.
    """
    shut: frozenset[str] = frozenset()
    while True:
        walk = _Walk(model, Flow(graph), shut)
        found = walk.shut_more()
        if found <= shut:
            return walk.flow
        shut |= found


@dataclass
class _Walk:
    """One walk through a graph.

    Attributes:
        model: the network.
        flow: what is found.
        shut: names of nodes that are given all channels, and of products in which no layer is a gate.
        opened: layers that may be gates: space -> their products, and the channels multiplied.
    """

    model: nn.Module
    flow: Flow
    shut: frozenset[str]
    found: set[str] = field(default_factory=set)
    opened: dict[str, list[tuple[fx.Node, Channels]]] = field(default_factory=dict)

    def shut_more(self) -> frozenset[str]:
        """Walk, and return the names of nodes that another walk has to shut as well."""
        for node in self.flow.graph.nodes:
            made = _Step(self, node).made()
            if made is not None:
                self.flow.channels[node] = made
        read = {part.space for use in (*self.flow.reads, *self.flow.mixes) for part, _ in parts_read(use)}
        for space, products in self.opened.items():
            if space in read or len({channels.parts for _, channels in products}) > 1:
                self.found |= {_gate_at(node) for node, _ in products}
            else:
                self.flow.gates[space] = products[0][1]
        return frozenset(self.found)


@dataclass(frozen=True)
class _Step:
    """One node, and what it does with the channels it is given."""

    walk: _Walk
    node: fx.Node

    @property
    def model(self) -> nn.Module:
        return self.walk.model

    @property
    def flow(self) -> Flow:
        return self.walk.flow

    def made(self) -> Channels | None:
        """Return the channels of the node's result, and record how it uses those it reads."""
        if self.node.op in {"placeholder", "get_attr"}:
            return None
        module = operations.called(self.node, self.model)
        if has_units(module):
            return self._weighted(module)
        known = {tensor: self._channels[tensor] for tensor in tensors_read(self.node) if tensor in self._channels}
        if not known or name_of(self.node) == "size":  # of a dimension that the images' sizes decide
            return None
        return self._after(module, known) or self._mixed(known)

    @property
    def _channels(self) -> dict[fx.Node, Channels]:
        return self.flow.channels

    def _weighted(self, module: Any) -> Channels:
        """Record a read, if the channels can be matched with the layer's columns, and open the layer's space."""
        columns, units = sizes_of(module)
        rank = len(shape_of(self.node) or ())
        dim = rank - 1 if isinstance(module, nn.Linear) else 1
        tensor = tensors_read(self.node)[0]
        given = self._channels.get(tensor)
        if given is not None:
            if (given.rank, given.dim, given.numbers) == (rank, dim, columns) and self._is_silent(given):
                self.flow.reads.append(Use(self.node, tensor, given))
            else:
                self._mixed({tensor: given})
        return Channels((Part(str(self.node.target), units),), rank, dim)

    def _is_silent(self, given: Channels) -> bool:
        """Tell whether removed units are 0 here; if not, what has woken them is given all channels next time."""
        self.walk.found |= given.woken
        return given.silent

    def _after(self, module: Any, known: Mapping[fx.Node, Channels]) -> Channels | None:
        """Return the channels after an operation; None if it mixes them."""
        if self.node.name in self.walk.shut:
            return None
        carriers = carriers_of(self.node, module, self.model, known, {use.node for use in self.flow.passes})
        if carriers is not None:
            ((tensor, given),) = known.items()
            if not self._is_silent(given):
                return None
            self.flow.passes.append(Use(self.node, tensor, given, carriers))
            return given
        if operations.joined_along(self.node, 1) is not None:
            return self._joined(known)
        if len(tensors_read(self.node)) == 1:
            (given,) = known.values()
            return self._one(given)
        return self._pair(known)

    def _one(self, given: Channels) -> Channels | None:
        """Return the channels after an operation on one tensor."""
        node, model = self.node, self.model
        if operations.is_pointwise(node, model):
            return given if operations.keeps_zero(node, model) else self._woken(given)
        source = node.all_input_nodes[0]
        if node.target is operator.getitem and shape_of(source) is None:
            return given if node.args[1] == 0 else self._woken(given, source)
        after, wakes = moved(node, model, given)
        return after if after is None or not wakes else self._woken(after)

    def _woken(self, given: Channels, by: fx.Node | None = None) -> Channels:
        return replace(given, woken=given.woken | {(by or self.node).name})

    def _joined(self, known: Mapping[fx.Node, Channels]) -> Channels | None:
        """Return the channels after a concatenation."""
        like = next(iter(known.values()))
        tensors, dim = operations.joined(self.node), operations.joined_along(self.node, like.rank)
        if any((each.rank, each.dim) != (like.rank, like.dim) for each in known.values()):
            return None
        woken = frozenset().union(*(each.woken for each in known.values()))
        if dim == like.dim:
            parts = [self._parts_of(tensor, like) for tensor in tensors]
            return replace(like, parts=tuple(part for each in parts for part in each), woken=woken)
        alike = len(known) == len(set(tensors)) and len({each.parts for each in known.values()}) == 1
        return replace(like, woken=woken) if alike else None

    def _parts_of(self, tensor: fx.Node, like: Channels) -> tuple[Part, ...]:
        """Return a tensor's parts; one of which nothing is known is a space of its own, all of which is there."""
        if tensor in self._channels:
            return self._channels[tensor].parts
        shape = shape_of(tensor) or ()
        return (Part(f"+{tensor.name}", shape[like.dim]),)

    def _pair(self, known: Mapping[fx.Node, Channels]) -> Channels | None:
        """Return the channels after an operation on several tensors, number by number."""
        pair = Pair.of(self.node, known, self.model)
        if pair is None:
            return None
        if pair.gate is not None and _gate_at(self.node) not in self.walk.shut:
            space, channels = pair.gate
            self.walk.opened.setdefault(space, []).append((self.node, channels))
            return channels
        for tensor, given, wanted in pair.selected:
            if not self._is_silent(given):
                return None
            self.flow.mixes.append(Use(self.node, tensor, given, wanted=wanted))
        return self._woken(pair.result) if pair.wakes and pair.result is not None else pair.result

    def _mixed(self, known: Mapping[fx.Node, Channels]) -> Channels | None:
        """Ask for all channels of everything that is read; open a stream if the result has the shape of all of it."""
        for tensor, given in known.items():
            if self._is_silent(given):
                self.flow.mixes.append(Use(self.node, tensor, given))
        like = next(iter(known.values()))
        if not self._keeps_shape(like):
            return None
        return replace(like, parts=(Part(f"+{self.node.name}", like.numbers),), woken=frozenset())

    def _keeps_shape(self, like: Channels) -> bool:
        """Tell whether the result has a channel wherever everything that was read has one."""
        node, shape = self.node, shape_of(self.node)
        if shape is None or any((each.rank, each.dim) != (like.rank, like.dim) for each in self._read):
            return False
        if operations.joined_along(node, len(shape)) is not None:
            return shape[like.dim] == like.numbers
        kept = operations.is_sum(node) or operations.is_product(node) or operations.is_normalisation(node, self.model)
        return kept and all(shape_of(tensor) == shape for tensor in node.all_input_nodes if tensor in self._channels)

    @property
    def _read(self) -> list[Channels]:
        return [self._channels[tensor] for tensor in tensors_read(self.node) if tensor in self._channels]


def _gate_at(product: fx.Node) -> str:
    """Return what is shut if a layer does nothing but weigh others at a product, and must not be cut with them."""
    return f"gate at {product.name}"
