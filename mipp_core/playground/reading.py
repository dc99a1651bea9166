"""What the next layer reads of a layer, on images to fit on and on others that are held out."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor, fx
from torch.func import functional_call

from mipp_core.errors import ModelError
from mipp_core.evaluation import evaluating
from mipp_core.information.goals import inverse
from mipp_core.information.regressions import Problem
from mipp_core.information.whole_maps import Link
from mipp_core.network.activations import listen_to_reads
from mipp_core.network.layers import Wiring, weighted
from mipp_core.network.lockstep import Walk

_SEED = 0
"""Of the positions that are looked at in large maps."""


@dataclass(frozen=True)
class Sample:
    """What is read on some images.

    Attributes:
        rows: a column per number that the next layer multiplies, a row per image and position; in double precision.
    """

    rows: Float[Tensor, "p n"]

    @cached_property
    def mean(self) -> Float[Tensor, " p"]:
        """Of every column."""
        return self.rows.mean(1)

    @cached_property
    def covariance(self) -> Float[Tensor, "p p"]:
        """Of the columns."""
        centred = self.rows - self.mean[:, None]
        return centred @ centred.mT / self.rows.shape[1]

    def lost(self, missing: Float[Tensor, "p t"], centre: Float[Tensor, " p"]) -> Float[Tensor, " t"]:
        """Return the mean squared error of every target.

        Args:
            missing: the layer's weights less those that it is rebuilt with.
            centre: the columns' means where it was fitted.
        """
        return (missing * (self.covariance @ missing)).sum(0) + ((self.mean - centre) @ missing).square()

    def variance(self, weights: Float[Tensor, "p t"]) -> Float[Tensor, " t"]:
        """Return the variance of every target."""
        return (weights * (self.covariance @ weights)).sum(0)


class Between:
    """A layer and the next one, which computes its targets, before normalisation and nonlinearity, from it alone.

    Args:
        wiring: of a plain network: no residual streams, no groups.
        layer: whose units are removed.
        fitted_on: images to fit on.
        held_out: images to judge on.

    Attributes:
        reader: the next layer's name.
        fitted, held: what it reads.
        problem: its regression, from ``fitted``.
        worth: what a unit of each target's variance is worth: the same share of each one's own.
    """

    def __init__(
        self, wiring: Wiring, layer: str, fitted_on: Float[Tensor, "n c h w"], held_out: Float[Tensor, "m c h w"]
    ) -> None:
        self._wiring, self.layer, self.units = wiring, layer, wiring[layer].units
        self.reader = wiring[layer].reader
        self.fitted, self.held = (self._sample(images) for images in (fitted_on, held_out))
        link = self._link(len(fitted_on))
        _, units, columns = next(link.groups())
        weights = link.patches.weights(0).double()
        self.problem = Problem(self.fitted.covariance, weights, units, columns, link.patches.targets(0))
        share = inverse(self.fitted.variance(weights))
        self.worth = share / share.count_nonzero().clamp_min(1)

    def _link(self, images: int) -> Link:
        link = Link.between(self._wiring, self._wiring[self.layer], self.reader, images)
        if link is None or link.stream is not None or link.patches.groups > 1:
            raise ModelError(
                f"{self.reader} reads {self.layer} in a stream or in groups; choose a plain network's layer."
            )
        return link

    def _sample(self, images: Tensor) -> Sample:
        link, heard = self._link(len(images)), list[Tensor]()
        columns = link.patches.channels * link.patches.each

        def hear(_: str, maps: Tensor) -> None:
            heard.append(link.patches.of(maps, columns, _SEED).flatten(0, 1))

        listen_to_reads(self._wiring, images, {self.reader: link.use}, (), hear)
        return Sample(heard[0])


class Rest:
    """A network from one layer on, run on what that layer reads, with other weights.

    Args:
        wiring: of a plain network, a chain from this layer on.
        name: the layer.
        images: what the network is shown.
    """

    def __init__(self, wiring: Wiring, name: str, images: Float[Tensor, "n c h w"]) -> None:
        self._network, self._graph = wiring.network, wiring.flow.graph
        self._layer = weighted(wiring.network, name)
        nodes = list(self._graph.nodes)
        self._node = next(node for node in nodes if node.op == "call_module" and str(node.target) == name)
        self._before = nodes[: nodes.index(self._node)]
        with torch.no_grad(), evaluating(self._network):
            self._read = torch.cat(Walk(self._network, self._graph, images).read_by(self._node))

    @torch.no_grad()
    def answers(self, weights: Float[Tensor, "p t"], shift: Float[Tensor, " t"]) -> Float[Tensor, "n classes"]:
        """Return the network's answers with a layer's new weights.

        Args:
            weights: of the layer.
            shift: what is added to what it computes.
        """
        weight = weights.mT.reshape(self._layer.weight.shape).to(self._layer.weight)
        with evaluating(self._network):
            made: Tensor = functional_call(self._layer, {"weight": weight}, (self._read,))
            made = made + shift.to(weight).view(-1, *[1] * (made.ndim - 2))
            known = {**dict.fromkeys(self._before), self._node: made}
            answer: Tensor = fx.Interpreter(self._network, graph=self._graph).run(initial_env=known)
        return answer
