"""One network being cut: which units and channels are kept where, and the cutting of its parts."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from mipp_core.cutting.layers import cut_carrier, cut_layer, cut_sizes, stays_whole
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.reindexing import Reindex
from mipp_core.network.assembling import free_name, insert
from mipp_core.network.channels import Channels, Use
from mipp_core.network.layers import Wiring, weighted
from mipp_core.network.silencing import silence


@dataclass(frozen=True)
class Cut:
    """One network being cut.

    Attributes:
        dense: the network, as it was recorded.
        slim: a copy of it, which is cut in place.
        wiring: of the network.
        masks: what is kept of each prunable layer.
    """

    dense: nn.Module
    slim: nn.Module
    wiring: Wiring
    masks: KeepMasks

    @cached_property
    def carried(self) -> dict[str, Bool[Tensor, " units"]]:
        """The units of each space that the slim network has; any that were removed are always 0."""
        known = {name: self._whole_groups(name, self._never_empty(name, mask)) for name, mask in self.masks.items()}
        waiting = dict(self.wiring.flow.gates)
        while waiting:
            ready = [gate for gate, opened in waiting.items() if not {part.space for part in opened.parts} & {*waiting}]
            for gate in ready or list(waiting):
                known[gate] = waiting.pop(gate).kept(known)
        return known

    def made_anew(self) -> list[Tensor]:
        """Return the weights that cutting replaces by others, so that the copy need not have its own before."""
        if any(self._spare()):
            return []  # they are changed in place before
        modules = self.dense.modules()
        uses = Counter(id(each) for module in modules for each in module.parameters(recurse=False))
        cut = [
            weighted(self.dense, name).weight
            for name in self.wiring.weighted
            if not stays_whole(self.carried.get(name), self._columns.get(name))
        ]
        return [weight for weight in cut if uses[id(weight)] == 1]

    def _spare(self) -> Iterator[str]:
        """Yield the layers that keep units which were removed, since these cannot be cut."""
        for layer in self.wiring.layers:
            if not torch.equal(self.carried[layer.name], self.masks[layer.name]):
                yield layer.name

    def silence_spare(self) -> None:
        """Make removed units that cannot be cut always 0."""
        for name in self._spare():
            silence(self.slim, self.wiring, name, self.masks[name])

    def layers(self) -> None:
        """Cut every layer and follower."""
        for name in self.wiring.weighted:
            cut_layer(weighted(self.slim, name), self.carried.get(name), self._columns.get(name))
        done: set[str] = set()
        for use in self.wiring.flow.passes:
            for carrier in use.carriers:
                if carrier.path not in done:
                    done.add(carrier.path)
                    cut_carrier(self.slim, carrier, self._kept(use.channels))

    def joints(self) -> dict[str, nn.Module]:
        """Make a ``Reindex`` module for every reader that needs other channels than there are."""
        flow = self.wiring.flow
        wants = [(use, self._columns[str(use.node.target)]) for use in flow.reads]
        wants += [(use, self._wanted(use)) for use in flow.mixes]
        found: dict[str, nn.Module] = {}
        for use, wanted in wants:
            has = self._kept(use.channels)
            if not torch.equal(has, wanted):
                name = free_name(self.slim, "joint_0", found)
                found[name] = self._joint(use, has, wanted)
                insert(flow.graph, name, use)
        return found

    def sizes(self) -> None:
        """State the new sizes wherever the graph states how many channels there are."""
        for node, channels in self.wiring.flow.channels.items():
            cut_sizes(node, channels, self.wiring.flow.channels, self._kept)

    def _wanted(self, use: Use) -> Bool[Tensor, " numbers"]:
        if use.wanted is not None:
            return self._kept(use.wanted)
        return torch.ones(use.channels.numbers, dtype=torch.bool)

    def _joint(self, use: Use, has: Tensor, wanted: Tensor) -> Reindex:
        device, dim = next(self.slim.parameters()).device, use.channels.dim - use.channels.rank
        return Reindex(_indices(has, device), _indices(wanted, device), dim)

    @cached_property
    def _columns(self) -> dict[str, Bool[Tensor, " numbers"]]:
        """The channels that each layer reads: all that are there in any of its calls, equally many per group."""
        found: dict[str, Tensor] = {}
        for use in self.wiring.flow.reads:
            name = str(use.node.target)
            kept = self._kept(use.channels)
            found[name] = found[name] | kept if name in found else kept
        calls = [str(node.target) for node in self.wiring.flow.graph.nodes if node.op == "call_module"]
        reads = [str(use.node.target) for use in self.wiring.flow.reads]
        whole = {name for name in found if reads.count(name) < calls.count(name)}
        return {
            name: torch.ones_like(kept) if name in whole else self._grouped_columns(name, kept)
            for name, kept in found.items()
        }

    def _kept(self, channels: Channels) -> Bool[Tensor, " numbers"]:
        """Return which of a tensor's numbers along its channels the slim network has."""
        return channels.kept(self.carried)

    def _never_empty(self, name: str, mask: Bool[Tensor, " units"]) -> Bool[Tensor, " units"]:
        """Add the first unit of the layer, and of every part of it that is read alone, where none is left."""
        parts = {part for channels in self.wiring.flow.channels.values() for part in channels.parts}
        for first, count in {(part.start, part.units) for part in parts if part.space == name}:
            if not mask[first : first + count].any():
                mask = mask.clone()
                mask[first] = True
        return mask

    def _whole_groups(self, name: str, keep: Tensor) -> Tensor:
        """Add removed units until every group that has any has equally many; every group, if it reads all columns."""
        groups = self._groups(name)
        if groups == 1:
            return keep
        reads = [str(use.node.target) for use in self.wiring.flow.reads]
        calls = [str(node.target) for node in self.wiring.flow.graph.nodes if node.op == "call_module"]
        return _evened(keep, groups, every=reads.count(name) < calls.count(name))

    def _grouped_columns(self, name: str, kept: Tensor) -> Tensor:
        """Return the columns of a grouped convolution: equally many in every remaining group."""
        groups = self._groups(name)
        if groups == 1:
            return kept
        rows = self.carried.get(name)
        left = torch.ones(groups, dtype=torch.bool) if rows is None else rows.view(groups, -1).any(1)
        wanted = kept.view(groups, -1) & left[:, None]
        wanted[left, 0] |= ~wanted[left].any(1)
        return _evened(wanted.flatten(), groups)

    def _groups(self, name: str) -> int:
        return getattr(self.dense.get_submodule(name), "groups", 1)


def _evened(keep: Bool[Tensor, " units"], groups: int, every: bool = False) -> Bool[Tensor, " units"]:
    """Add units to every group that has any, or to all groups, until each has as many as the largest."""
    rows = keep.view(groups, -1)
    most = int(rows.sum(1).max())
    best = (~rows).int().argsort(dim=1, stable=True)[:, :most]
    full = torch.zeros_like(rows).scatter(1, best, True)
    return full.flatten() if every else (full & rows.any(1, keepdim=True)).flatten()


def _indices(keep: Tensor, device: torch.device) -> Int[Tensor, " kept"]:
    return keep.nonzero().flatten().to(device)
