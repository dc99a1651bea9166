"""Theorem 1 of MIPP (arXiv 2411.00147) on a trained network: the next layer, rebuilt from ever fewer units.

The theorem: some function g rebuilds the next layer's activations from the units that stay iff these tell as much of it
as all units did.  What a next layer computes before its normalisation and nonlinearity is linear in what it reads, so
here g is the best linear function of what stays, which is found in closed form and is what the next layer itself could
do with other weights.  It is fitted on some images and judged on others.

How much is lost is told in three ways: as a share of the next layer's variance; in nats, as if all were Gaussian and
every target known up to noise (``mipp_core.information.verdict``); and by how many images the network classifies
correctly if it goes on from the rebuilt activations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mipp_core.information.elimination import Path, eliminated, one_by_one
from mipp_core.information.regressions import alone, refitted
from mipp_core.information.verdict import FREE, Verdict
from mipp_core.network.layers import Wiring, by_unit, weighted
from mipp_core.playground.reading import Between, Rest
from mipp_core.pruners.closed_form import ClosedForm
from mipp_core.pruners.weight_scores import reduced

POINTS = 600
"""Activations that are shown one by one."""

ALLOWED = 0.01
"""A share of the next layer's variance that is little."""


def _greedy(between: Between, wiring: Wiring, seed: int) -> list[int]:
    return list(eliminated([between.problem], between.units, between.worth, _never).units)


def _ascending(between: Between, wiring: Wiring, seed: int) -> list[int]:
    told = alone(between.problem) @ between.worth
    return between.problem.units[told.argsort(stable=True)].tolist()


def _magnitude(between: Between, wiring: Wiring, seed: int) -> list[int]:
    weight = by_unit(weighted(wiring.network, between.layer), weighted(wiring.network, between.layer).weight)
    return reduced(weight, "l1").argsort(stable=True).tolist()


def _random(between: Between, wiring: Wiring, seed: int) -> list[int]:
    return torch.randperm(between.units, generator=torch.Generator().manual_seed(seed)).tolist()


ORDERS: Mapping[str, Callable[[Between, Wiring, int], list[int]]] = MappingProxyType(
    {"MIPP": _greedy, "ascending MI": _ascending, "magnitude": _magnitude, "random": _random}
)
"""Order of removal -> what makes it: MIPP's in closed form, which always removes what costs least now; what tells least
by itself first, as the paper tests; small L1 norms of weights first; and by chance, by a seed."""


def _never(before: Tensor, after: Tensor) -> bool:
    return False


@dataclass(frozen=True)
class Rebuilt:
    """A next layer that is rebuilt from ever fewer units, in one order; lists go from 0 to all units removed.

    Attributes:
        order: units, the first to go first.
        fitted: lost of its variance where it is fitted, as a share, the mean over its units; at least 0.
        held: the same on held-out images; above 1 where predicting the mean would be better.
        nats: lost of the Gaussian information, per unit of the next layer, on held-out images.
        accuracy: of the network that goes on from what is rebuilt, on held-out images.
        free: how many units go without any loss where it is fitted: there Theorem 1's equality holds.
    """

    order: tuple[int, ...]
    fitted: tuple[float, ...]
    held: tuple[float, ...]
    nats: tuple[float, ...]
    accuracy: tuple[float, ...]
    free: int

    @property
    def cheap(self) -> int:
        """How many units go first while no more than ``ALLOWED`` is lost on held-out images."""
        return next((max(0, gone - 1) for gone, lost in enumerate(self.held) if lost > ALLOWED), len(self.order))


@dataclass(frozen=True)
class Cloud:
    """Some activations of the next layer on held-out images, in standard deviations of each unit from its mean.

    Attributes:
        true: as they are.
        rebuilt: from the units that are left, after 0 to all are removed.
    """

    true: Float[Tensor, " points"]
    rebuilt: Float[Tensor, "steps points"]


class Theorem:
    """One layer of a network, its next layer, and what becomes of that.

    Args:
        wiring: of a plain network.
        layer: whose units are removed.
        images: unlabelled, to fit on.
        held_out: images to judge on.
        labels: of the latter.
        seed: of the random order and of the activations that are shown.

    Attributes:
        between: the two layers.
        images, judged: how many were fitted on, and how many are held out.
        dense: accuracy of the network as it is, on held-out images.
        most: nats per unit of the next layer, if all that is told of it is lost.
    """

    def __init__(
        self,
        wiring: Wiring,
        layer: str,
        images: Float[Tensor, "n c h w"],
        held_out: Float[Tensor, "m c h w"],
        labels: Int[Tensor, " m"],
        seed: int = 0,
    ) -> None:
        self._wiring, self._labels, self._seed = wiring, labels, seed
        self.between = Between(wiring, layer, images, held_out)
        self._rest = Rest(wiring, self.between.reader, held_out)
        self.images, self.judged = len(images), len(held_out)
        self.dense = self._accuracy(torch.zeros_like(self.between.problem.weights))
        variance = self.between.held.variance(self.between.problem.weights)
        usual = ClosedForm()
        self._verdict = Verdict(
            self._shares(variance), variance, usual.noise, usual.estimate_size, loss="nats", reference="fixed"
        )
        self.most = float(self._verdict.losses(torch.zeros_like(variance), variance))

    def _shares(self, variance: Float[Tensor, " t"]) -> Float[Tensor, "1 t"]:
        """Return what a unit of each target's held-out variance is worth; the same share of each one's own."""
        counts = (self.between.worth > 0) & (variance > 0)
        return (counts / variance.clamp_min(1e-300) / counts.count_nonzero().clamp_min(1))[None]

    def rebuilt(self, name: str) -> Rebuilt:
        """Remove all units in one order, and rebuild the next layer after each.

        Args:
            name: of ``ORDERS``.
        """
        between = self.between
        order = ORDERS[name](between, self._wiring, self._seed)
        path = one_by_one([between.problem], order, between.worth, _never)
        fitted = [0.0, *(path.after @ between.worth).tolist()]
        missing = [between.problem.weights - weights for weights in self._weights(order)]
        lost = [between.held.lost(each, between.fitted.mean) for each in missing]
        none = torch.zeros_like(lost[0])
        return Rebuilt(
            tuple(order),
            tuple(fitted),
            tuple(float(self._verdict.shares[0] @ each) for each in lost),
            tuple(float(self._verdict.losses(none, each)) for each in lost),
            tuple(self._accuracy(each) for each in missing),
            _free(path, between.worth),
        )

    def _weights(self, order: list[int]) -> list[Float[Tensor, "p t"]]:
        """Return the weights that rebuild the next layer, after 0 to all units are removed."""
        return [refitted(self.between.problem, order[gone:]) for gone in range(len(order) + 1)]

    def _accuracy(self, missing: Float[Tensor, "p t"]) -> float:
        weights = self.between.problem.weights - missing
        answers = self._rest.answers(weights, self.between.fitted.mean @ missing)
        return float((answers.argmax(1) == self._labels).double().mean())

    def cloud(self, order: tuple[int, ...], points: int = POINTS) -> Cloud:
        """Return some activations, of varying units of the next layer and held-out images by chance."""
        between, problem = self.between, self.between.problem
        generator = torch.Generator().manual_seed(self._seed)
        varying = self._verdict.shares[0].nonzero().flatten()
        targets = varying[torch.randint(len(varying), (points,), generator=generator)]
        places = torch.randint(between.held.rows.shape[1], (points,), generator=generator)
        deviation = self._verdict.variance[targets].sqrt()
        centred = between.held.rows[:, places] - between.fitted.mean[:, None]
        off = ((between.held.mean - between.fitted.mean) @ problem.weights)[targets]

        def seen(weights: Tensor) -> Tensor:
            return ((centred * weights[:, targets]).sum(0) - off) / deviation

        return Cloud(seen(problem.weights), torch.stack([seen(weights) for weights in self._weights(list(order))]))


def _free(path: Path, worth: Float[Tensor, " t"]) -> int:
    """Count the units that go first and cost nothing that the ridge could tell from nothing."""
    costly = (path.after @ worth > FREE).nonzero()
    return int(costly[0]) if len(costly) else len(path.units)
