"""GraSP: gradient signal preservation (Wang, Zhang and Grosse, arXiv 2002.07376)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.network.operations import BATCH_NORMS
from mipp_core.pruners.contract import Need, Variant
from mipp_core.pruners.rounds import Rounds
from mipp_core.pruners.settings import above_zero, at_least, one_of, setting
from mipp_core.pruners.weight_scores import (
    Reduction,
    WeightRanker,
    WeightScores,
    drawn,
    scoring_copy,
    weights_of,
)


@dataclass(frozen=True)
class Grasp(Rounds, WeightRanker):
    """Keep the weights without which the gradient would be weaker.

    Idea: a pruned network should still learn fast at first, so what counts is not the loss but the norm of its
    gradient after pruning.  To first order that norm changes by -w * Hg for each weight removed; the weights whose
    removal would lower it most are kept.
    Formula: w * (Hg), the highest kept (Equation 8 with the sign turned, so that high means keep); g and H are the
    gradient and the Hessian of the loss, of logits divided by ``temperature`` (200 in the authors' code).
    Needs: labelled data and one Hessian-vector product.  Cost: about four passes of the samples.

    Departures: the paper prunes weights and its scores have signs; a unit's score is the sum of its weights' magnitudes
    (``l1``, as in the MIPP paper) or their sum with signs (``sum``, closer to this paper's meaning).  As in the
    authors' code, batch normalisation uses the batch's statistics and the samples are processed in two halves.

    Example:
        >>> prune(model, images, labels, pruner="grasp", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        rounds: 1 in the paper; see ``IterativeGrasp``.
        reduce: how a unit's score is made.
        per_class: samples of each class (10 for CIFAR-10, 25 at most, in the authors' code).
        temperature: divides the logits.

    Raises:
        SettingError: a setting is out of its range.
    """

    variants: ClassVar[Mapping[str, Variant]] = {
        "GraSP": Variant(usual=True),
        "GraSP signed": Variant({"reduce": "sum"}),
    }
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "labels", "gradients"})

    reduce: Literal["l1", "sum"] = setting("l1", one_of(["l1", "sum"]))
    per_class: int = setting(25, at_least(1))
    temperature: float = setting(200.0, above_zero())

    @property
    def reduction(self) -> Reduction:
        """How a unit's score is made."""
        return self.reduce

    def weight_scores(self, model: nn.Module, data: Split, seed: int) -> WeightScores:
        """Multiply every weight by its entry of Hg."""
        copy = scoring_copy(model)
        _use_batch_statistics(copy)
        chosen = drawn(data, self.per_class * len(data.labels.unique()), seed)
        weights = weights_of(copy)
        products = gradient_of_half_squared_gradient(list(self._losses(copy, chosen)), list(weights.values()))
        return {name: weight.detach() * hg for (name, weight), hg in zip(weights.items(), products, strict=True)}

    def _losses(self, model: nn.Module, chosen: Split) -> Iterator[Tensor]:
        """Yield the loss of each half."""
        half = -(-len(chosen) // 2)
        for images, labels in zip(chosen.images.split(half), chosen.labels.split(half), strict=True):
            yield functional.cross_entropy(model(images) / self.temperature, labels)


@dataclass(frozen=True)
class IterativeGrasp(Grasp):
    """GraSP in rounds, like iterative SNIP (de Jorge et al., arXiv 2006.09081).

    Idea: score the remaining units again after every few removals, each time on new samples.
    Formula: as GraSP, with the Hessian's product with the gradient in every round (not its square, as in one public
    implementation).  Needs: as GraSP.  Cost: ``rounds`` times GraSP's, for every sparsity.

    Departures: as GraSP; 30 rounds.

    Example:
        >>> prune(model, images, labels, pruner="iter-grasp", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        rounds: number of rounds of scoring and removing.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"IterGraSP": Variant(usual=True)}
    rounds: int = setting(30, at_least(1))


def gradient_of_half_squared_gradient(losses: list[Tensor], at: list[Tensor]) -> list[Tensor]:
    """Return Hg, with g and H the gradient and the Hessian of the losses' sum.

    Args:
        losses: scalars that depend on ``at``.
        at: the tensors to differentiate by.
    """
    slopes = torch.autograd.grad(torch.stack(losses).sum(), at, create_graph=True)
    half_norm = torch.stack([(slope * slope.detach()).sum() for slope in slopes]).sum()
    return list(torch.autograd.grad(half_norm, at))


def _use_batch_statistics(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, BATCH_NORMS):
            module.train()
