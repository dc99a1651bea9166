"""SOSP-H: second-order structured pruning (Nonnenmacher et al., arXiv 2110.11395)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.network.channels import Weighted
from mipp_core.network.layers import by_unit, weighted, wiring_of
from mipp_core.pruners.contract import Need, Ranker, Scores, Variant
from mipp_core.pruners.settings import at_least, setting
from mipp_core.pruners.weight_scores import drawn, parts_of_loss, scoring_copy


@dataclass(frozen=True)
class Sosp(Ranker):
    """Score a unit by how much its removal costs in loss, to second order and together with all other units.

    Idea: expand the loss in the units' weights.  The second-order terms of one unit with all others add up to one
    Hessian-vector product, so correlations across the whole network cost no more than a gradient.
    Formula: |w_s . g| + |w_s . H w| / 2, w_s the weights and bias of unit s and 0 elsewhere, w their sum over all
    units; g and H of the mean cross-entropy.
    Needs: labelled data and one Hessian-vector product.  Cost: about four passes of the samples.

    Departures: batch normalisation uses its running statistics.  The last layer is not pruned, so its weights are not
    in w.  The tests compare the scores of two small networks with their dense gradients and Hessians in float64; we
    found no code by the authors to compare with.

    Example:
        >>> prune(model, images, labels, pruner="sosp-h", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        samples: images, drawn evenly from the classes.
        batch_size: images at a time; it changes nothing but memory.

    Raises:
        SettingError: a setting is out of its range.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"SOSP-H": Variant(usual=True)}
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "labels", "gradients"})

    samples: int = setting(1000, at_least(1))
    batch_size: int = setting(250, at_least(1))

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Sum both orders over every unit's weights."""
        copy = scoring_copy(model)
        names = wiring_of(copy).names
        owners = [(weighted(copy, name), name, t) for name in names for t in weighted(copy, name).parameters()]
        tensors = [tensor for *_, tensor in owners]
        own = [tensor.detach().clone() for tensor in tensors]
        first = [torch.zeros_like(tensor) for tensor in own]
        second = [torch.zeros_like(tensor) for tensor in own]
        for part in parts_of_loss(copy, drawn(data, self.samples, seed), self.batch_size):
            slopes = torch.autograd.grad(part, tensors, create_graph=True)
            along = torch.stack([(slope * w).sum() for slope, w in zip(slopes, own, strict=True)])
            products = torch.autograd.grad(along.sum(), tensors)
            first = [total + slope.detach() for total, slope in zip(first, slopes, strict=True)]
            second = [total + product for total, product in zip(second, products, strict=True)]
        of = [(layer, name) for layer, name, _ in owners]
        linear, curved = _per_unit(of, own, first), _per_unit(of, own, second)
        return {name: (linear[name].abs() + curved[name].abs() / 2).cpu() for name in names}


def _per_unit(of: list[tuple[Weighted, str]], weights: list[Tensor], others: list[Tensor]) -> dict[str, Tensor]:
    """Multiply each unit's weights and bias by its part of another vector, and add up; ``of`` tells their layers."""
    products: dict[str, Tensor] = {}
    for (layer, name), weight, other in zip(of, weights, others, strict=True):
        terms = weight * other
        own = by_unit(layer, terms) if terms.ndim > 1 else terms
        products[name] = products.get(name, 0) + own.reshape(len(own), -1).sum(1)
    return products
