"""LAMP: layer-adaptive magnitude pruning (Lee et al., arXiv 2010.07611)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.network.layers import by_unit, weighted, wiring_of
from mipp_core.pruners.contract import Ranker, Scores, Variant
from mipp_core.pruners.weight_scores import reduced


@dataclass(frozen=True)
class Lamp(Ranker):
    """Score a unit by its squared norm relative to those of its layer that are not smaller.

    Idea: magnitudes of different layers cannot be compared, but a weight's share of what would be left in its layer
    can.  A layer's largest unit always has score 1, so no layer is emptied while another has more than one unit left.
    Formula: |w_u|^2 / sum of |w_v|^2 over the units v of the layer with |w_v| >= |w_u| (Equation 3, for units).
    Needs: the weights alone.  Cost: one sort per layer.

    Departures: the paper scores weights; here a unit's squared L2 norm takes the place of a weight's square.  Of
    equal norms, the first unit counts as the larger.

    Example:
        >>> prune(model, images, pruner="lamp", sparsity=0.5).masks.sparsity
        0.5
    """

    variants: ClassVar[Mapping[str, Variant]] = {"LAMP": Variant()}

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Compare every unit with its layer's larger ones."""
        wiring = wiring_of(model)
        layers = {name: weighted(wiring.network, name) for name in wiring.names}
        norms = {name: reduced(by_unit(layer, layer.weight), "l2") for name, layer in layers.items()}
        return {name: lamp(norm.double().square()).cpu() for name, norm in norms.items()}


def lamp(squares: Float[Tensor, " units"]) -> Float[Tensor, " units"]:
    """Divide every square by the sum of those not smaller; in a layer of zeros, every score is 0."""
    order = squares.argsort(descending=True, stable=True)
    sums = squares[order].cumsum(0)
    scores = torch.zeros_like(squares)
    scores[order] = torch.where(sums > 0, squares[order] / sums, 0.0)
    return scores
