"""What next layers read, whole maps and all: the covariances that the closed form is made of, from one pass.

A unit's columns are all numbers of it that the next layer multiplies to give one of its own: the patch of its map for a
convolution, the positions of its map for a linear layer behind a flatten, one number for a neuron.  A transposed
convolution multiplies each number of a map by all weights of its kernel, which are so many targets.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.evaluation import at_once
from mipp_core.information.regressions import Problem
from mipp_core.network.activations import listen_to_reads, without
from mipp_core.network.channels import CONVOLUTIONS, TRANSPOSED, Use, Weighted
from mipp_core.network.finding import Layer
from mipp_core.network.layers import Wiring, weighted
from mipp_core.network.streams import Stream, streams_of

_AT_ONCE = 500  # images: enough for an accelerator to be busy
_ROWS, _ROWS_PER_COLUMN, _FEWEST_PER_COLUMN = 20_000, 40, 4
_WORK = 1e11  # most rows times squared columns, as long as there are a few rows per column: seconds

Pair = tuple[str, str]
"""A layer, and the layer that reads it."""


@dataclass
class Sums:
    """Running products of columns."""

    size: int
    device: torch.device
    rows: int = 0
    total: Tensor = field(init=False)
    products: Tensor = field(init=False)
    waiting: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.total = torch.zeros(self.size, dtype=torch.double, device=self.device)
        self.products = torch.zeros(self.size, self.size, dtype=torch.double, device=self.device)

    def add(self, table: Float[Tensor, "s rows"]) -> None:
        """Add rows, which lie side by side; few wait for more, since every addition goes through all products."""
        self.waiting.append(table)
        if sum(each.shape[1] for each in self.waiting) >= self.size // 4:
            self._flush()

    def _flush(self) -> None:
        if self.waiting:
            table = torch.cat(self.waiting, 1)
            self.waiting.clear()
            self.rows += table.shape[1]
            self.total += table.sum(1)
            self.products.addmm_(table, table.mT)

    def covariance(self) -> Float[Tensor, "s s"]:
        """Return the columns' covariance."""
        self._flush()
        mean = self.total / self.rows
        return self.products / self.rows - mean[:, None] * mean


class Patches:
    """How one layer reads a map: which numbers, in which columns, in which groups."""

    def __init__(self, layer: Weighted, images: int) -> None:
        self.layer, self.groups = layer, getattr(layer, "groups", 1)
        is_convolution = isinstance(layer, CONVOLUTIONS)
        self.each = int(torch.tensor(layer.kernel_size).prod()) if is_convolution else 1
        self.channels = (layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels) // self.groups
        self._images, self._places = images, torch.zeros(0)

    def of(self, maps: Float[Tensor, "n c ..."], columns: int, seed: int) -> Float[Tensor, "c each rows"]:
        """Return a column per channel and place in the kernel, a row per image and some positions."""
        if not isinstance(self.layer, CONVOLUTIONS):
            seen = maps.flatten(2)[:, :, None] if maps.ndim > 2 else maps[:, :, None, None]
            return self._some(seen.permute(1, 2, 0, 3), columns, seed)
        layer, rank = self.layer, maps.ndim - 2
        how = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
        seen = functional.pad(maps, layer._reversed_padding_repeated_twice, mode=how)
        for dim, (size, apart, step) in enumerate(zip(layer.kernel_size, layer.dilation, layer.stride, strict=True), 2):
            seen = seen.unfold(dim, apart * (size - 1) + 1, step)[..., ::apart]
        kernel, positions = range(2 + rank, 2 + 2 * rank), range(2, 2 + rank)
        seen = seen.permute(1, *kernel, 0, *positions)
        return self._some(seen.flatten(2 + rank).flatten(1, rank), columns, seed)

    def _some(self, seen: Float[Tensor, "c each n positions"], columns: int, seed: int) -> Tensor:
        """Choose the same random positions of every image, as many as are needed."""
        positions = seen.shape[-1]
        if not len(self._places):
            wanted = -(-rows_for(columns) // self._images)
            order = torch.randperm(positions, generator=torch.Generator().manual_seed(seed))
            self._places = order[:wanted].sort().values.to(seen.device)
        some = seen if len(self._places) == positions else seen[..., self._places]
        return some.flatten(2).double()

    def weights(self, group: int) -> Float[Tensor, "p t"]:
        """Return by what a group's columns are multiplied for each of its targets."""
        weight = self.layer.weight.detach()
        if isinstance(self.layer, TRANSPOSED):
            return weight.unflatten(0, (self.groups, -1))[group].flatten(1)
        return weight.unflatten(0, (self.groups, -1))[group].flatten(1).mT

    def targets(self, group: int) -> Int[Tensor, " t"]:
        """Return the numbers of a group's targets."""
        count = self.weights(group).shape[1]
        return torch.arange(group * count, (group + 1) * count, device=self.layer.weight.device)

    def owners(self) -> Int[Tensor, " all"]:
        """Return the unit of the layer that each target belongs to."""
        per_unit = self.layer.weight[0, 0].numel() if isinstance(self.layer, TRANSPOSED) else 1
        count = sum(self.weights(group).shape[1] for group in range(self.groups))
        return torch.arange(count // per_unit).repeat_interleave(per_unit)


def rows_for(columns: int) -> int:
    """Return how many rows are wanted of so many columns: enough of them, and no more than take seconds."""
    wanted = max(_ROWS, _ROWS_PER_COLUMN * columns)
    return min(wanted, max(_FEWEST_PER_COLUMN * columns, int(_WORK / columns**2)))


@dataclass(frozen=True)
class Link:
    """A layer and the next one that reads it.

    Attributes:
        layer: whose units are judged.
        use: what the next one reads.
        numbers: of each unit among the channels that are read, [units, span]; -1 fills up.
        patches: how it reads.
        stream: the path through a stream, if the layer is added into one.
    """

    layer: Layer
    use: Use
    numbers: Int[Tensor, "u span"]
    patches: Patches
    stream: Stream | None

    @classmethod
    def between(cls, wiring: Wiring, layer: Layer, reader: str, images: int) -> "Link | None":
        """Return how a layer reads another; None if only after an operation that mixes channels."""
        stream = next((each for each in streams_of(wiring) if each.layer is layer), None) if layer.in_stream else None
        for use in wiring.flow.reads:
            if str(use.node.target) != reader:
                continue
            numbers = _in_stream(use, stream, layer) if stream else _numbers(use, layer)
            if numbers is not None:
                return cls(layer, use, numbers, Patches(weighted(wiring.network, reader), images), stream)
        return None

    @property
    def numbers_held(self) -> int:
        """How many products are added up."""
        own = self.patches.channels * self.patches.each
        left = self.numbers.numel() * self.patches.each // self.patches.groups if self.stream else 0
        return self.patches.groups * (own + left) ** 2

    def groups(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield each group of the reader, the units it reads, and their columns [units, span * each]."""
        size, each = self.patches.channels, self.patches.each
        for group in range(self.patches.groups):
            own = self.numbers - group * size
            inside = (own >= 0) & (own < size) & (self.numbers >= 0)
            units = inside.any(1).nonzero().flatten()
            columns = own[units][..., None] * each + torch.arange(each)
            yield group, units, torch.where(inside[units][..., None], columns, -1).flatten(1)


def _numbers(use: Use, layer: Layer) -> Tensor | None:
    found: list[list[int]] = [[] for _ in range(layer.units)]
    start = 0
    for part in use.channels.parts:
        if part.space == layer.name:
            for unit in range(part.units):
                found[part.start + unit] += range(start + unit * part.span, start + (unit + 1) * part.span)
        start += part.numbers
    longest = max(map(len, found))
    return torch.tensor([row + [-1] * (longest - len(row)) for row in found]) if longest else None


def _in_stream(use: Use, stream: Stream, layer: Layer) -> Tensor | None:
    if stream.between[-1] is not use.tensor:
        return None
    return torch.arange(stream.start, stream.start + layer.units * stream.span).view(layer.units, stream.span)


def problems_of(
    wiring: Wiring, links: Mapping[Pair, Link], images: Float[Tensor, "n c h w"], noise: float, seed: int
) -> dict[Pair, list[Problem]]:
    """Measure what next layers read, in one pass over images.

    Args:
        wiring: the network's.
        links: a layer and its reader -> how it is read.
        images: unlabelled, on the network's device.
        noise: see ``Problem``.
        seed: of the positions that are looked at in large maps.
    """
    hearer = _Hearer(links, images.device, seed)
    streams = [link.stream for link in links.values() if link.stream is not None]
    uses = {reader: link.use for (_, reader), link in links.items()}
    size = at_once(images.shape[1:], images.device, _AT_ONCE)
    for batch in images.split(size):
        listen_to_reads(wiring, batch, uses, streams, hearer.hear)
    return {pair: list(hearer.problems(pair, noise)) for pair in links}


class _Hearer:
    """Adds up the products of what layers read; layers that are read by one and are in no stream share theirs."""

    def __init__(self, links: Mapping[Pair, Link], device: torch.device, seed: int) -> None:
        self._links, self._device, self._seed = links, device, seed
        self._sums: dict[tuple[Any, ...], Sums] = {}
        self._left: dict[str, Tensor] = {}

    def hear(self, name: str, maps: Tensor) -> None:
        """Take what a layer reads, or what is left in a stream without one."""
        readers = [pair for pair in self._links if pair[1] == name]
        if not readers:
            self._left[name] = maps
            return
        tables: dict[int, Tensor] = {}
        done: set[tuple[Any, ...]] = set()
        for pair in readers:
            link = self._links[pair]
            columns = link.patches.channels * link.patches.each
            read = tables.get(id(link.patches.layer))
            if read is None:
                read = tables[id(link.patches.layer)] = link.patches.of(maps, columns, self._seed)
            for group, units, own in link.groups():
                key = self._key(pair, group)
                if len(units) and key not in done:
                    done.add(key)
                    self._add(key, self._table(link, read, group, units, own))

    def _key(self, pair: Pair, group: int) -> tuple[Any, ...]:
        return (pair[1], group, pair[0] if self._links[pair].stream else None)

    def _table(self, link: Link, read: Tensor, group: int, units: Tensor, own: Tensor) -> Float[Tensor, "s rows"]:
        size = link.patches.channels
        here = read[group * size : (group + 1) * size].flatten(0, 1)
        if link.stream is None:
            return here
        maps = self._left[without(link.layer.name)]
        maps = maps.flatten(1, 2) if link.stream.span > 1 else maps
        left = link.patches.of(maps, 0, self._seed).unflatten(0, (link.layer.units, -1))[units.to(maps.device)]
        return torch.cat([here, left.flatten(0, 2)])

    def _add(self, key: tuple[Any, ...], table: Tensor) -> None:
        if key not in self._sums:
            self._sums[key] = Sums(len(table), self._device)
        self._sums[key].add(table)

    def problems(self, pair: Pair, noise: float) -> Iterator[Problem]:
        """Yield one problem per group of the reader that reads any unit."""
        link = self._links[pair]
        for group, units, columns in link.groups():
            if len(units):
                covariance = self._sums[self._key(pair, group)].covariance()
                weights, targets = link.patches.weights(group), link.patches.targets(group)
                device = self._device
                yield Problem(covariance, weights, units.to(device), columns.to(device), targets, noise)
