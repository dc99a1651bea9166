"""Operations on several tensors, number by number: sums, products, quotients and choices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import fx, nn

from mipp_core.network.channels import Channels, Part, has_units, sizes_of
from mipp_core.network.operations import is_choice, is_product, is_quotient, is_sum
from mipp_core.network.plain_shapes import name_of, shape_of, tensors_read

Selected = tuple[fx.Node, Channels, Channels | None]
"""A tensor, its channels, and the channels of it that are needed; None for all."""


@dataclass(frozen=True)
class Pair:
    """What such an operation does with channels.

    Attributes:
        result: the channels of its result.
        wakes: a removed unit may be any constant after it.
        selected: tensors of which only some channels are needed, and those that all channels share.
        gate: a layer whose results only weigh others' channels here, and those channels.
    """

    result: Channels
    wakes: bool = False
    selected: tuple[Selected, ...] = ()
    gate: tuple[str, Channels] | None = None

    @classmethod
    def of(cls, node: fx.Node, known: Mapping[fx.Node, Channels], model: nn.Module) -> "Pair | None":
        """Return what a node does with the channels it reads; None if it mixes them."""
        shape = shape_of(node)
        if shape is None:
            return None
        there = {tensor: _aligned(given, len(shape)) for tensor, given in known.items()}
        full = {tensor: given for tensor, given in there.items() if given.numbers == shape[given.dim]}
        lead = next(iter(full.values()), None)
        if lead is None or any(each.dim != lead.dim for each in full.values()):
            return None
        found = _Operands(node, known, full, lead, model)
        if is_sum(node):
            return found.sum()
        if is_product(node):
            return found.product()
        if is_quotient(node):
            return found.quotient()
        return found.choice() if is_choice(node) else None


def _aligned(given: Channels, rank: int) -> Channels:
    """Return the channels as they lie in a result with more dimensions in front."""
    return replace(given, rank=rank, dim=given.dim + rank - given.rank)


@dataclass(frozen=True)
class _Operands:
    """The tensors that a node reads.

    Attributes:
        node: of the graph.
        known: the channels of those for which they are known.
        full: the channels, as they lie in the result, of those that have a number for each of its channels.
        lead: the first of these.
        model: the network.
    """

    node: fx.Node
    known: Mapping[fx.Node, Channels]
    full: Mapping[fx.Node, Channels]
    lead: Channels
    model: nn.Module

    def sum(self) -> Pair | None:
        """A sum of the same channels keeps them; a number that all channels share wakes them."""
        if not self._alike():
            return None
        rest = self._rest()
        if all(self._is_shared(tensor) for tensor in rest):
            return Pair(self._either(), bool(rest), self._shared(rest))
        return None

    def choice(self) -> Pair | None:
        """Of the same channels, every one is chosen by itself."""
        choices = self.node.args[1:] if name_of(self.node) == "where" else self.node.args
        if not self._alike() or not all(self._is_shared(tensor) for tensor in self._rest()):
            return None
        chosen = [self.full[each] for each in choices if isinstance(each, fx.Node) and each in self.full]
        zero = all(each == 0 for each in choices if not isinstance(each, fx.Node))
        others = [each for each in choices if isinstance(each, fx.Node) and each not in self.full]
        if not chosen:
            return None
        woken = frozenset().union(*(each.woken for each in chosen))
        return Pair(replace(chosen[0], woken=woken), bool(others) or not zero, self._shared(self._rest()))

    def quotient(self) -> Pair | None:
        """Zero divided by anything stays zero."""
        over = self.node.args[0]
        return self._led_by(over) if isinstance(over, fx.Node) and over in self.full else None

    def product(self) -> Pair | None:
        """Zero times anything stays zero; a layer may do nothing but weigh others."""
        if len(self.full) == 1:
            return self._led_by(next(iter(self.full)))
        if self._alike():
            silent = [each for each in self.full.values() if each.silent]
            return Pair(silent[0] if silent else self._either())
        for tensor in self._gates_first():
            other = next(each for each in self.full if each is not tensor)
            if self.full[other].silent:
                led = self._led_by(other)
                space = self._whole_layer(tensor, other)
                return led if led is None or space is None else replace(led, gate=(space, self.full[other]))
        return None

    def _gates_first(self) -> list[fx.Node]:
        """Return the operands in the order in which they may be gates: woken ones, then layers, then streams."""
        return sorted(self.full, key=lambda tensor: (self.full[tensor].silent, self._is_stream(tensor)))

    def _is_stream(self, tensor: fx.Node) -> bool:
        return all(part.space.startswith("+") for part in self.full[tensor].parts)

    def _whole_layer(self, tensor: fx.Node, other: fx.Node) -> str | None:
        """Return the layer whose units are exactly a tensor's channels, if it is called once."""
        channels = self.full[tensor]
        part = channels.parts[0]
        if len(channels.parts) > 1 or part.space.startswith("+") or part.span > 1:
            return None
        if channels.silent and self._is_stream(other):
            return None
        calls = [node for node in self.node.graph.nodes if node.op == "call_module" and node.target == part.space]
        layer = self.model.get_submodule(part.space)
        alone = len(calls) == 1 and getattr(layer, "groups", 1) == 1
        return part.space if alone and has_units(layer) and sizes_of(layer)[1] == part.units else None

    def _led_by(self, tensor: fx.Node) -> Pair | None:
        """Return the product or quotient that keeps one tensor's channels; of the others, those are selected."""
        lead = self.full[tensor]
        selected: list[Selected] = []
        for other in tensors_read(self.node):
            if other is tensor or (other in self.full and self.full[other].parts == lead.parts):
                continue
            if other not in self.full and self._is_shared(other):
                selected += self._shared([other])
            elif lead.silent:
                selected.append((other, self.known.get(other) or self._unknown(other), lead))
            else:
                return None
        return Pair(lead, selected=tuple(selected))

    def _unknown(self, tensor: fx.Node) -> Channels:
        """Return the channels of a tensor of which nothing is known."""
        shape = shape_of(tensor) or ()
        return Channels((Part(f"+{tensor.name}", self.lead.numbers),), len(shape), self._dim_in(tensor))

    def _rest(self) -> list[fx.Node]:
        return [tensor for tensor in tensors_read(self.node) if tensor not in self.full]

    def _dim_in(self, tensor: fx.Node) -> int:
        return self.lead.dim - self.lead.rank + len(shape_of(tensor) or ())

    def _is_shared(self, tensor: fx.Node) -> bool:
        """Tell whether a tensor has one number for all channels."""
        shape, dim = shape_of(tensor), self._dim_in(tensor)
        return shape is not None and (dim < 0 or shape[dim] == 1)

    def _shared(self, tensors: list[fx.Node]) -> tuple[Selected, ...]:
        return tuple((tensor, self.known[tensor], None) for tensor in tensors if tensor in self.known)

    def _alike(self) -> bool:
        return len({each.parts for each in self.full.values()}) == 1

    def _either(self) -> Channels:
        """Return the same channels, woken wherever one of them is."""
        return replace(self.lead, woken=frozenset().union(*(each.woken for each in self.full.values())))
