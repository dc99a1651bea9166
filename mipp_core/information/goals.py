"""What must be computed from a layer's units, what each target is worth, and how much a layer may lose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mipp_core.evaluation import uses
from mipp_core.information.hearing import HEARD_ON, hearing
from mipp_core.information.regressions import Problem
from mipp_core.network.channels import sizes_of
from mipp_core.network.finding import OUTPUT, Layer
from mipp_core.network.layers import Wiring, weighted
from mipp_core.vocabulary import Budget, Weighing


@dataclass(frozen=True)
class Goal:
    """What must still be computed from a layer's units, and what each target's loss is worth; on the CPU.

    Attributes:
        problems: what the targets are computed from.
        units: how many there are.
        wanted: the targets that count at each level.
        heard: what a unit of each target's variance is worth before it is made a share.
        variance: of every target.
        total: of which worths are shares; None for that of all wanted targets.
        budget: what the layer may lose, 1 on average.
    """

    problems: Sequence[Problem]
    units: int
    wanted: Bool[Tensor, "levels t"]
    heard: Float[Tensor, " t"]
    variance: Float[Tensor, " t"]
    total: float | None
    budget: float


class Heard:
    """What the targets of next layers are worth; the network is differentiated only if that is asked for."""

    def __init__(
        self, network: nn.Module, readers: Sequence[str], images: Tensor, seed: int, weighing: Weighing
    ) -> None:
        layers = list(dict.fromkeys(reader for reader in readers if reader != OUTPUT))
        self._heard, spread = hearing(network, layers, images[:HEARD_ON], seed) if weighing != "alike" else ({}, 0.0)
        self._total = spread if weighing == "outputs" else None

    def of(self, reader: str, owners: Tensor, problems: Sequence[Problem]) -> tuple[Tensor, Tensor, float | None]:
        """Return worth and variance of each target, and what worths are shares of."""
        variance = variances(problems, len(owners))
        if reader in self._heard:
            return self._heard[reader][owners], variance, self._total
        return inverse(variance), variance, None


def budgets_of(wiring: Wiring, image_shape: Sequence[int], budget: Budget) -> dict[str, float]:
    """Return what each layer may lose, 1 on average; nothing if that is alike for all."""
    if budget == "alike":
        return {}
    times = uses(wiring.network, tuple(image_shape)) if budget == "macs" else {}
    costs = {layer.name: _cost(wiring, layer, times) for layer in wiring.layers}
    return {name: cost * len(costs) / sum(costs.values()) for name, cost in costs.items()}


def _cost(wiring: Wiring, layer: Layer, times: Mapping[str, int]) -> float:
    """Return how many weights a layer's units take, in it and in the next one; times how often each is used."""
    own, following = weighted(wiring.network, layer.name), layer.reader
    cost = float(own.weight.numel() * times.get(layer.name, 1))
    if following != OUTPUT:
        after = weighted(wiring.network, following)
        share = layer.units * layer.span / sizes_of(after)[0]
        cost += after.weight.numel() * min(1.0, share) * times.get(following, 1)
    return cost


def inverse(variance: Float[Tensor, " t"]) -> Float[Tensor, " t"]:
    """Return 1 / variance; 0 for targets that never vary."""
    varies = variance > 1e-12 * variance.max()
    return torch.where(varies, 1 / variance.clamp_min(1e-300), 0.0)


def variances(problems: Sequence[Problem], targets: int) -> Float[Tensor, " t"]:
    """Return the variance of every target."""
    found = torch.zeros(targets, dtype=torch.double)
    for problem in problems:
        weights, read = problem.weights.double(), len(problem.weights)
        found[problem.targets.cpu()] = (weights * (problem.covariance[:read, :read] @ weights)).sum(0).cpu()
    return found
