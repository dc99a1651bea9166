"""ThiNet: pruning a filter by what the next layer loses (Luo, Wu and Lin, arXiv 1707.06342)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.selection import Scope, Selection
from mipp_core.data.dataset import Split
from mipp_core.network.finding import Layer
from mipp_core.network.layers import wiring_of
from mipp_core.network.silencing import silenced
from mipp_core.pruners.contract import Need, Ranker, Scores, Task, Variant
from mipp_core.pruners.contributions import contributions
from mipp_core.pruners.settings import at_least, setting
from mipp_core.pruners.weight_scores import drawn
from mipp_core.vocabulary import Progress


@dataclass(frozen=True)
class ThiNet(Ranker):
    """Discard the units whose joint contribution to the next layer is smallest.

    Idea: a number the next layer computes is a sum over its input units.  Sample many such numbers, and discard,
    one after another, the unit that keeps the discarded units' share of the sums smallest.  Layers are pruned from the
    input to the output, each reading the already pruned ones, all at the same ratio.
    Formula: grow T greedily to minimise sum_i (sum_{c in T} x_ic)^2 (Equation 6), where x_ic is what unit c adds to the
    i-th sampled number.  Only the products of x's columns are needed, so a step takes one operation per unit.
    Needs: images.  Cost: one forward pass and one small matrix per layer.

    Departures: the paper leaves the last convolution of a residual block alone; here it is pruned too.  Its x_ic is
    what the unit, through its stream, adds to the number of the next layer that reads the stream, with everything in
    between frozen as it is for each image (``mipp_core.pruners.contributions``); gates on channels are frozen likewise.
    The paper then rescales the kept units by least squares (Equation 7); here every pruner's network is rebuilt by
    least squares afterwards (``mipp_core.cutting.rebuilding``), which includes that.

    Example:
        >>> prune(model, images, pruner="thinet", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        samples: images, drawn evenly from the classes (10 of each of 1,000 in the paper).
        positions: sampled numbers of the next layer per image, each of a random unit at a random place (paper: 10).

    Raises:
        SettingError: a setting is out of its range.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"ThiNet": Variant(usual=True)}
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "activations"})
    scopes: ClassVar[tuple[Scope, ...]] = ("layer",)
    reads_neighbour: ClassVar[bool] = True

    samples: int = setting(1000, at_least(1))
    positions: int = setting(10, at_least(1))

    @property
    def nested(self) -> bool:
        """Every sparsity is searched for by itself."""
        return False

    def masks(self, task: Task, sparsities: tuple[float, ...], selection: Selection) -> list[KeepMasks]:
        """Prune layer by layer, each reading the already pruned ones, once for every sparsity."""
        found = []
        for done, sparsity in enumerate(sparsities):
            task.report(Progress("Scoring units", done / len(sparsities)))
            found.append(self._prune(task, sparsity, selection))
        return found

    def _prune(self, task: Task, sparsity: float, selection: Selection) -> KeepMasks:
        layers = wiring_of(task.model).layers
        keep = {layer.name: torch.ones(layer.units, dtype=torch.bool) for layer in layers}
        images = drawn(task.data, self.samples, task.seed).images
        for layer in layers:
            scores = {layer.name: self._discard_order(silenced(task.model, keep), layer, images, task.seed)}
            keep[layer.name] = selection.keep(scores, sparsity)[layer.name]
        return KeepMasks(keep)

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Return how late each unit is discarded, layer by layer, in an unpruned network."""
        images = drawn(data, self.samples, seed).images
        return {layer.name: self._discard_order(model, layer, images, seed) for layer in wiring_of(model).layers}

    def _discard_order(self, model: nn.Module, layer: Layer, images: Tensor, seed: int) -> Float[Tensor, " units"]:
        generator = torch.Generator().manual_seed(seed)
        parts = contributions(model, layer, images, self.positions, generator).double()
        order = discard_greedily((parts.T @ parts).cpu())  # one synchronisation, not one per unit
        late = torch.empty(layer.units)
        late[order] = torch.arange(layer.units, dtype=late.dtype)
        return late


def discard_greedily(products: Float[Tensor, "units units"]) -> list[int]:
    """Return all units in the order of discarding: each choice keeps the discarded units' summed square smallest.

    Args:
        products: X'X for contributions X [numbers, units]; of equal units the first is discarded first.
    """
    cost, order = products.diagonal().clone(), []
    for _ in range(len(products)):
        chosen = int(cost.argmin())
        order.append(chosen)
        cost += 2 * products[chosen]
        cost[chosen] = torch.inf
    return order
