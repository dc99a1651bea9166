"""The regression problems of a network's layers, each measured when it is first asked for."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.errors import ModelError
from mipp_core.evaluation import evaluating
from mipp_core.information.regressions import Problem
from mipp_core.information.whole_maps import Link, Pair, Sums, problems_of
from mipp_core.network.activations import Activations, record, without
from mipp_core.network.channels import sizes_of
from mipp_core.network.finding import OUTPUT
from mipp_core.network.layers import Wiring, weighted
from mipp_core.network.lockstep import Walk
from mipp_core.vocabulary import INPUT

_LATER = 500
"""Images that a layer's later readers are measured on; they count only where earlier ones have lost all their units."""

HELD_AT_ONCE = 2**27
"""Products that are measured in one pass, at most, unless one layer has more: 1 GB."""


class NextLayers:
    """What is known of next layers; the first readers of all layers are measured together, in one pass.

    Args:
        wiring: the network's.
        images: unlabelled, on the network's device.
        noise: a ridge, as a share of every column's variance.
        seed: of the positions that are looked at in large maps.
    """

    def __init__(self, wiring: Wiring, images: Float[Tensor, "n c h w"], noise: float, seed: int) -> None:
        self._wiring, self._images, self._noise, self._seed = wiring, images, noise, seed
        self._known: dict[Pair, list[Problem]] = {}
        self._collapsed: Activations | None = None
        self._done: set[str] = set()
        self._links = dict(self._linked())

    def of(self, layer: str, reader: str) -> tuple[list[Problem], Int[Tensor, " t"]]:
        """Return how a layer is read by another, or the input by a layer, and the units that targets belong to."""
        if layer == INPUT:
            problems = pixels_of(self._wiring, reader, self._images, self._noise)
            units = sizes_of(weighted(self._wiring.network, reader))[1]
            return problems, torch.arange(units).repeat_interleave(problems[0].weights.shape[1] // units)
        pair = layer, reader
        first = reader == self._wiring[layer].reader
        images = self._images if first else self._images[:_LATER]
        if pair not in self._links:
            link = Link.between(self._wiring, self._wiring[layer], reader, len(images))
            if link is None:
                return self._by_numbers(layer, reader)
            self._links[pair] = link
        if pair not in self._known:
            links = self._together(pair) if first else {pair: self._links[pair]}
            self._known |= problems_of(self._wiring, links, images, self._noise, self._seed)
        self._known = {known: found for known, found in self._known.items() if known[0] not in self._done - {layer}}
        self._done.add(layer)
        return self._known[pair], self._links[pair].patches.owners()

    def _linked(self) -> Iterator[tuple[Pair, Link]]:
        for layer in self._wiring.layers:
            link = Link.between(self._wiring, layer, layer.reader, len(self._images))
            if link is not None:
                yield (layer.name, layer.reader), link

    def _together(self, pair: Pair) -> dict[Pair, Link]:
        """Return what is measured in one pass with a pair: it, and those of earlier layers that memory allows."""
        pairs, taken = {pair: self._links[pair]}, self._links[pair].numbers_held
        order = list(reversed(self._links))  # from the output to the input, as they are asked for
        for other in order[order.index(pair) + 1 :]:
            if other[1] != self._wiring[other[0]].reader:
                continue  # a later reader, which is measured by itself
            taken += self._links[other].numbers_held
            if taken > HELD_AT_ONCE:
                break
            pairs[other] = self._links[other]
        return pairs

    def _by_numbers(self, layer: str, reader: str) -> tuple[list[Problem], Int[Tensor, " t"]]:
        if self._collapsed is None:
            self._collapsed = record(self._wiring.network, self._images)
        known, goal = self._collapsed, OUTPUT if reader == self._wiring.last else reader
        problems = collapsed(known[layer], known.get(without(layer)), known[goal], self._noise)
        return problems, torch.arange(known[goal].shape[1])


def pixels_of(wiring: Wiring, reader: str, images: Float[Tensor, "n c h w"], noise: float) -> list[Problem]:
    """Return how a layer that reads the image computes all of its maps from all pixels.

    Raises:
        ModelError: what it computes is not linear in the pixels.
    """
    node = next(each for each in wiring.flow.graph.nodes if each.op == "call_module" and str(each.target) == reader)

    def made(shown: Tensor) -> Float[Tensor, "n t"]:
        with torch.no_grad(), evaluating(wiring.network):
            return torch.cat(Walk(wiring.network, wiring.flow.graph, shown).made_by(node)).flatten(1).double()

    shape, count = images.shape[1:], images[0].numel()
    nothing = made(images.new_zeros(1, *shape))
    weights = made(torch.eye(count, dtype=images.dtype, device=images.device).view(count, *shape)) - nothing
    seen = images.flatten(1).double()
    told = made(images[:8])
    if not torch.allclose(seen[:8] @ weights + nothing, told, rtol=1e-3, atol=1e-3 * float(told.abs().max())):
        raise ModelError(f"What {reader} computes is not linear in the pixels; leave pixels out, or use mipp.")
    sums = Sums(count, images.device)
    sums.add(seen.mT)
    every, targets = torch.arange(count, device=images.device), torch.arange(weights.shape[1], device=images.device)
    return [Problem(sums.covariance(), weights, every, every[:, None], targets, noise)]


def collapsed(
    inputs: Float[Tensor, "n u"], left: Float[Tensor, "n u"] | None, targets: Float[Tensor, "n t"], noise: float
) -> list[Problem]:
    """Return the problem for a layer that the next one reads only mixed: from one number per map and unit.

    What counts is the part of the targets that is linear in these numbers.
    """
    columns = inputs.double() if left is None else torch.cat([inputs, left], 1).double()
    sums = Sums(columns.shape[1], columns.device)
    sums.add(columns.mT)
    covariance, units = sums.covariance(), inputs.shape[1]
    own, aims = columns[:, :units] - columns[:, :units].mean(0), targets.double() - targets.double().mean(0)
    spread = covariance.diagonal()[:units]
    ridge = torch.diag(torch.where(spread > 0, noise * spread, 1.0))
    weights = torch.linalg.solve(covariance[:units, :units] + ridge, own.mT @ aims / len(own))
    every = torch.arange(units, device=inputs.device)
    return [
        Problem(covariance, weights, every, every[:, None], torch.arange(targets.shape[1], device=every.device), noise)
    ]
