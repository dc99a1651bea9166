"""What each unit of a layer adds to the numbers that the next layer computes (ThiNet, arXiv 1707.06342, Equation 5).

Where the next layer reads the units themselves, its numbers are sums over its columns, and a unit adds what its own
columns add.  Where the units reach it only through other operations (a residual stream, a channel shuffle, a
normalisation over channels), these are frozen as they are for each image: a unit adds the derivative of the number by a
switch on the unit.  If they are only sums, evaluated batch normalisations, poolings and piecewise linear
nonlinearities, these derivatives again add up to the number, except for what does not depend on the layer.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from mipp_core.evaluation import evaluating
from mipp_core.network.assembling import assembled
from mipp_core.network.channels import Use, has_units, places, reads_space
from mipp_core.network.finding import OUTPUT, Layer
from mipp_core.network.layers import Wiring, weighted, wiring_of
from mipp_core.network.operations import called
from mipp_core.pruners.frozen_paths import FrozenPath, end_at
from mipp_core.pruners.sampled_terms import Sampling, sampled_terms


@torch.no_grad()
def contributions(
    model: nn.Module, layer: Layer, images: Tensor, positions: int, generator: torch.Generator, batch_size: int = 250
) -> Float[Tensor, "numbers units"]:
    """Return what each unit of a layer adds to sampled numbers of the next layer.

    Units that do not reach the next layer at all, such as those that a channel shuffle passes on, are judged at the
    first later layer that they reach: equally many of its numbers follow, to which all other units add 0.

    Args:
        model: left as it was.
        layer: whose units.
        images: on the network's device.
        positions: numbers per image: random units of the next layer, at random places of their maps.
        generator: on the CPU.
        batch_size: images at a time.
    """
    wiring, how = wiring_of(model, images), Sampling(positions, generator, batch_size)
    model = wiring.network
    use = _read_in_columns(model, wiring, layer)
    with evaluating(model):
        if use is None:
            return _by_switches(model, wiring, layer, images, how)
        return _by_columns(model, wiring, layer, use, images, how)


def _read_in_columns(model: nn.Module, wiring: Wiring, layer: Layer) -> Use | None:
    """Return where the next layer reads the units themselves; None if they also reach it in another way."""
    reads = [use for use in wiring.flow.reads if _has(use, layer) and layer.reader in {OUTPUT, use.node.target}]
    reads = [use for use in reads if isinstance(called(use.node, model), nn.Conv2d | nn.Linear)]
    otherwise = _next_calls(model, wiring, {use.node for use in wiring.flow.mixes if _has(use, layer)})
    return reads[0] if reads and reads[0].node not in otherwise else None


def _has(use: Use, layer: Layer) -> bool:
    return reads_space(use, layer.name)


def _next_calls(model: nn.Module, wiring: Wiring, starts: set[fx.Node]) -> Iterator[fx.Node]:
    """Yield the calls of layers that ``starts`` reach without another layer in between, in the graph's order."""
    hearing: set[fx.Node] = set()
    for node in wiring.flow.graph.nodes:
        if node in starts or hearing.intersection(node.all_input_nodes):
            if has_units(called(node, model)):
                yield node
            else:
                hearing.add(node)


def _by_columns(
    model: nn.Module, wiring: Wiring, layer: Layer, use: Use, images: Tensor, how: Sampling
) -> Float[Tensor, "numbers units"]:
    """Add up the terms of every unit's columns, wherever they are."""
    reader = cast("nn.Conv2d | nn.Linear", weighted(model, str(use.node.target)))  # see ``_read_in_columns``
    end_at(wiring.flow.graph, use.tensor)
    read_by = assembled(model, wiring.flow.graph, {})
    found = []
    for batch in images.split(how.batch_size):
        terms = sampled_terms(reader, read_by(batch), how)
        by_number = terms.view(len(terms), use.channels.numbers, -1).sum(2)
        whole = by_number.new_zeros(len(terms), layer.units)
        for first, rows in places(use, layer.name):
            whole[:, first : first + len(rows)] += by_number[:, rows.to(terms.device)].sum(2)
        found.append(whole)
    return torch.cat(found)


def _by_switches(
    model: nn.Module, wiring: Wiring, layer: Layer, images: Tensor, how: Sampling
) -> Float[Tensor, "numbers units"]:
    """Differentiate numbers of the next layer, and of later layers for units that do not reach it."""
    found: list[Tensor] = []
    unheard = torch.ones(layer.units, dtype=torch.bool, device=images.device)
    frozen = deepcopy(model).requires_grad_(False)
    for name in _hearers(model, wiring, layer):
        parts = FrozenPath.to(name, frozen, layer).slopes(images, how) * unheard
        found.append(parts)
        unheard = unheard & ~parts.any(0)
        if not unheard.any():
            break
    return torch.cat(found)


def _hearers(model: nn.Module, wiring: Wiring, layer: Layer) -> list[str]:
    """Return the node names of the calls that a layer reaches, its reader first; if none, the result's name."""
    ends = {use.node for use in (*wiring.flow.reads, *wiring.flow.mixes) if _has(use, layer)}
    calls = list(_next_calls(model, wiring, ends))
    first = next((place for place, node in enumerate(calls) if node.target == layer.reader), len(calls))
    result = wiring.flow.graph.output_node().all_input_nodes[0]
    return [node.name for node in calls[first:]] or [result.name]
