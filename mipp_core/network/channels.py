"""Which channel of which tensor comes from which unit.

A space is the set of channels that one node makes.  Every convolution and linear layer opens one, named after it, in
which removed units are always 0 (silent).  A space lasts as long as operations keep its channels apart and keep zeros
at zero.  A sum of spaces, and whatever cannot be followed, opens a new space in which no channel is known to be 0: a
stream.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

import torch
from jaxtyping import Bool
from torch import Tensor, fx, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WEIGHTED = (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
Weighted = Convolution | Transposed | nn.Linear
"""Layers with units."""


@dataclass(frozen=True)
class Part:
    """Some consecutive channels of a space.

    Attributes:
        space: its name.
        units: number of channels.
        start: the first of them.
        span: consecutive numbers per channel: more than 1 where its map has been flattened.
    """

    space: str
    units: int
    start: int = 0
    span: int = 1

    @property
    def numbers(self) -> int:
        """Consecutive numbers that it takes."""
        return self.units * self.span

    def kept(self, kept: Mapping[str, Tensor]) -> Bool[Tensor, " numbers"]:
        """Return which of its numbers are there, given which units of each space are; others' are all there."""
        own = kept.get(self.space)
        here = torch.ones(self.units, dtype=torch.bool) if own is None else own[self.start : self.start + self.units]
        return here.repeat_interleave(self.span)


@dataclass(frozen=True)
class Channels:
    """What is known of one tensor's channels.

    Attributes:
        parts: of the spaces they belong to, in their order along the dimension.
        rank: number of dimensions of the tensor.
        dim: the dimension that the channels lie along.
        woken: names of the nodes after which a removed unit may be any constant; where there are none, it is 0.
    """

    parts: tuple[Part, ...]
    rank: int
    dim: int = 1
    woken: frozenset[str] = frozenset()

    @property
    def numbers(self) -> int:
        """The tensor's size along the dimension."""
        return sum(part.numbers for part in self.parts)

    @property
    def silent(self) -> bool:
        """Tell whether a removed unit is 0 here."""
        return not self.woken

    @property
    def spread(self) -> bool:
        """Tell whether some channel is several consecutive numbers."""
        return any(part.span > 1 for part in self.parts)

    def kept(self, kept: Mapping[str, Tensor]) -> Bool[Tensor, " numbers"]:
        """Return which numbers along the dimension are there, given which units of each space are."""
        return torch.cat([part.kept(kept) for part in self.parts])


@dataclass(frozen=True)
class Carrier:
    """A tensor of the network with one entry per channel.

    Attributes:
        path: where it is.
        dim: its dimension that has an entry per channel.
        added: it is added to the channels, so that a removed unit's entry must be 0.
    """

    path: str
    dim: int = 0
    added: bool = False


@dataclass(frozen=True)
class Use:
    """A node that reads a tensor whose channels are known.

    Attributes:
        node: the reader.
        tensor: what it reads.
        channels: that tensor's channels.
        carriers: the node's own tensors with one entry per channel.
        wanted: the channels that the node needs here in place of all, where it multiplies them onto others.
    """

    node: fx.Node
    tensor: fx.Node
    channels: Channels
    carriers: tuple[Carrier, ...] = ()
    wanted: Channels | None = None


@dataclass
class Flow:
    """Everything that is known of a network's channels.

    Attributes:
        graph: the network's, in the plain form.
        channels: the channels of every tensor for which they are known.
        reads: calls of convolutions and linear layers that read known channels.
        passes: nodes with parameters per channel (normalisations, depthwise convolutions, scales).
        mixes: every other use of known channels: it must be given all of them.
        gates: space of a layer whose results multiply other spaces' channels -> the channels it multiplies.
    """

    graph: fx.Graph
    channels: dict[fx.Node, Channels] = field(default_factory=dict)
    reads: list[Use] = field(default_factory=list)
    passes: list[Use] = field(default_factory=list)
    mixes: list[Use] = field(default_factory=list)
    gates: dict[str, Channels] = field(default_factory=dict)


def is_depthwise(module: object) -> TypeGuard[Convolution | Transposed]:
    """Tell whether this is a convolution that filters each channel separately: its filters are not counted as units."""
    if not isinstance(module, (*CONVOLUTIONS, *TRANSPOSED)):
        return False
    return 1 < module.groups == module.in_channels == module.out_channels


def has_units(module: object) -> TypeGuard[Weighted]:
    """Tell whether this is a layer: a convolution that is not depthwise, or a linear layer."""
    return isinstance(module, WEIGHTED) and not is_depthwise(module)


def sizes_of(layer: Weighted) -> tuple[int, int]:
    """Return how many channels a layer reads, and how many units it has."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    return layer.in_channels, layer.out_channels


def parts_read(use: Use) -> Iterator[tuple[Part, int]]:
    """Yield each part that is read and the place of its first number."""
    start = 0
    for part in use.channels.parts:
        yield part, start
        start += part.numbers


def places(use: Use, space: str) -> list[tuple[int, Tensor]]:
    """Return, for every part of a space that is read, its first unit, and each of its units' numbers [units, span]."""
    found = []
    for part, start in parts_read(use):
        if part.space == space:
            found.append((part.start, torch.arange(start, start + part.numbers).view(part.units, part.span)))
    return found


def reads_space(use: Use, space: str) -> bool:
    """Tell whether any channel of a space is read."""
    return any(part.space == space for part in use.channels.parts)
