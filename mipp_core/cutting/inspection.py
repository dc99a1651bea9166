"""What can be pruned of a network, said before anything is: every part with weights, and why it stays whole."""

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.cutting.counting import Counter, Size
from mipp_core.cutting.masks import KeepMasks
from mipp_core.network.assembling import held
from mipp_core.network.channels import (
    CONVOLUTIONS,
    TRANSPOSED,
    has_units,
    is_depthwise,
    parts_read,
    reads_space,
    sizes_of,
)
from mipp_core.network.finding import OUTPUT, Layer
from mipp_core.network.layers import Wiring, wiring_of
from mipp_core.network.operations import BATCH_NORMS, called, is_instance_norm, is_sum
from mipp_core.network.plain import UNUSED
from mipp_core.network.plain_shapes import name_of
from mipp_core.network.recording import is_recorded, recorded
from mipp_core.network.unwrapping import unwrapped

Fate = Literal["pruned", "goes with", "whole", "left out"]
"""Its units can be removed; it loses channels with units removed elsewhere; it keeps all; no pruned network has it."""


@dataclass(frozen=True)
class Weights:
    """A part of a network with weights.

    Attributes:
        name: its path.
        kind: what it is, with its sizes.
        parameters: its weights and biases.
        units: its filters or neurons; 0 for other kinds.
        fate: what pruning can do to it.
        why: of the fate, in a few words.
    """

    name: str
    kind: str
    parameters: int
    units: int
    fate: Fate
    why: str


@dataclass(frozen=True)
class Inspection:
    """What can be pruned of a network.

    Attributes:
        rows: every part with weights, in the order in which they run; last, those that evaluation does not use.
        dense: the network's size.
        least: its size with a single unit in every layer that can be pruned.
    """

    rows: tuple[Weights, ...]
    dense: Size
    least: Size

    @property
    def reach(self) -> dict[str, float]:
        """The shares of the parameters and of the MACs that can be removed at most, with a unit left in every layer."""
        return {
            "parameters": 1 - self.least.parameters / max(1, self.dense.parameters),
            "macs": 1 - self.least.macs / max(1, self.dense.macs),
        }

    def words(self) -> tuple[str, str]:
        """Say in two sentences what can be pruned, and how much of the whole is within reach."""
        fates = Tally(row.fate for row in self.rows)
        out = f", {_many(fates['left out'], 'part')} that evaluation does not use left out" if fates["left out"] else ""
        return (
            f"{_many(fates['pruned'], 'layer')} can be pruned, {_many(fates['goes with'], 'part')} "
            f"{'goes' if fates['goes with'] == 1 else 'go'} with their units, {fates['whole']} "
            f"{'stays' if fates['whole'] == 1 else 'stay'} whole{out}.",
            f"Within reach, with one unit left in every layer: {_share(self.reach['parameters'])} of "
            f"{self.dense.parameters:,} parameters, {_share(self.reach['macs'])} of {self.dense.macs:,} "
            "multiply-accumulates.",
        )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _share(value: float) -> str:
    """Write a share in percent, rounded down: it is the most that can go."""
    return f"{floor(value * 1000) / 1000:.1%}"


def inspect(model: nn.Module, images: Float[Tensor, "n ..."]) -> Inspection:
    """Say of every part of a network with weights whether it can be pruned, and if not, why.

    Args:
        model: any network; left as it was.
        images: at least one that it can read: only their shape matters.

    Raises:
        ModelError: the network cannot be followed, or nothing of it can be pruned.
    """
    like = next((each for each in model.parameters() if each.is_floating_point()), images)
    network = recorded(model, images.to(like) if images.is_floating_point() else images)
    counter = Counter(network, tuple(images.shape[1:]))
    wiring = wiring_of(network)
    one_each = {layer.name: torch.arange(layer.units) == 0 for layer in wiring.layers}
    rows = (*_running(wiring), *_idle(model, network))
    return Inspection(rows, counter.dense, counter.size(KeepMasks(one_each)))


def _running(wiring: Wiring) -> Iterator[Weights]:
    """Yield what runs in evaluation, each part once."""
    seen: set[str] = set()
    for node in wiring.flow.graph.nodes:
        path = str(node.target)
        if node.op in {"call_module", "get_attr"} and path not in seen:
            seen.add(path)
            part = held(wiring.network, path)
            count = _count(part)
            if count:
                yield Weights(path, _kind(part), count, _units(part), *_fate(wiring, node, path, part))


def _count(part: Any) -> int:
    if isinstance(part, nn.Module):
        return sum(parameter.numel() for parameter in part.parameters())
    return part.numel() if isinstance(part, nn.Parameter) else 0


def _units(part: Any) -> int:
    return sizes_of(part)[1] if has_units(part) else 0


def _kind(part: Any) -> str:
    """Return what a part is, with its sizes."""
    name = type(part).__name__
    if isinstance(part, nn.Linear):
        return f"{name} {part.in_features}→{part.out_features}"
    if isinstance(part, (*CONVOLUTIONS, *TRANSPOSED)):
        kernel, groups = "×".join(map(str, part.kernel_size)), f", {part.groups} groups" if part.groups > 1 else ""
        return f"{name} {part.in_channels}→{part.out_channels}, {kernel}{groups}"
    return f"{name} {'×'.join(map(str, part.shape))}" if isinstance(part, Tensor) else name


def _fate(wiring: Wiring, node: fx.Node, path: str, part: Any) -> tuple[Fate, str]:
    """Return what pruning can do to a part, and why."""
    if path in wiring.names:
        return "pruned", _read_by(wiring, wiring[path])
    if path in wiring.whole:
        why = wiring.whole[path]
        return ("goes with" if "go with them" in why else "whole"), why
    owners = _owners(wiring, path)
    if owners:
        return "goes with", f"it goes with the units of {_listed(owners)}"
    if isinstance(part, Tensor):
        return "whole", f"it is read directly by {_listed(_words(user, wiring) for user in node.users)}"
    return "whole", _why_whole(part)


def _why_whole(part: nn.Module) -> str:
    """Say why a module that has no units of its own, and goes with none, stays as it is."""
    if is_depthwise(part) or isinstance(part, BATCH_NORMS) or is_instance_norm(part):
        return "what it reads keeps its width"
    if isinstance(part, nn.MultiheadAttention):
        return "attention mixes all channels of its projections"
    if isinstance(part, nn.LayerNorm | nn.GroupNorm | nn.RMSNorm | nn.LocalResponseNorm):
        return "it normalises over channels, so it reads all of them"
    return f"{type(part).__name__} has no units that can be removed by themselves"


def _owners(wiring: Wiring, path: str) -> list[str]:
    """Return the prunable layers whose units a part goes with."""
    found: dict[str, None] = {}
    for use in wiring.flow.passes:
        owns = str(use.node.target) == path or any(carrier.path == path for carrier in use.carriers)
        if owns:
            found |= dict.fromkeys(part.space for part, _ in parts_read(use) if part.space in wiring.names)
    return list(found)


def _read_by(wiring: Wiring, layer: Layer) -> str:
    """Say where a layer's units go, and which operations are given zeros in the place of removed ones."""
    mixed = [use for use in wiring.flow.mixes if reads_space(use, layer.name) and use.wanted is None]
    readers = [name for name in layer.readers if name != OUTPUT]
    words = [f"read by {_listed(readers)}"] if readers else []
    streams = [use for use in mixed if is_sum(use.node)]
    others = dict.fromkeys(_words(use.node, wiring) for use in mixed if use not in streams)
    words += ["added into a stream, which keeps its width"] if streams else []
    words += [f"{_listed(others)} keeps its width"] if others else []
    return "; ".join(words)


def _words(node: fx.Node, wiring: Wiring) -> str:
    """Return what a node does, as its author wrote it."""
    if node.op == "call_module":
        return f"{node.target} ({type(called(node, wiring.network)).__name__})"
    return "the answer" if node.op == "output" else name_of(node)


def _listed(names: Any, most: int = 3) -> str:
    found = list(names)
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def _idle(model: nn.Module, network: fx.GraphModule) -> Iterator[Weights]:
    """Yield what evaluation does not use: whole modules, or single parameters of a module that is used in part."""
    if is_recorded(model):
        return
    plain, unused = unwrapped(model), set(network.meta[UNUSED])
    for owner, module in plain.named_modules():
        own = [f"{owner}.{name}".lstrip(".") for name, _ in module.named_parameters(recurse=False)]
        idle = [path for path in own if path in unused]
        for path in [owner] if owner and idle and idle == own else idle:
            part = held(plain, path)
            yield Weights(path, _kind(part), _count(part), 0, "left out", "evaluation does not use it")
