"""Pruners that score weights: how weights' scores become units' scores, and what they are computed on."""

from abc import abstractmethod
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.network.layers import by_unit, weighted, wiring_of
from mipp_core.network.recording import followed
from mipp_core.pruners.contract import Ranker, Scores

WeightScores = dict[str, Float[Tensor, "units ..."]]
"""Layer name -> one score per weight, in the shape of the weights; the last layer included."""

Reduction = Literal["l1", "l2", "sum"]
"""How the scores of a unit's incoming weights become the unit's: sum of magnitudes, root of the sum of squares, or
the sum with signs."""


@dataclass(frozen=True)
class WeightRanker(Ranker):
    """A pruner that scores weights; a unit's score is made from those of its incoming weights (MIPP paper, 5.1)."""

    @abstractmethod
    def weight_scores(self, model: nn.Module, data: Split, seed: int) -> WeightScores:
        """Score every weight of every convolution and linear layer, without biases."""

    @property
    def reduction(self) -> Reduction:
        """How a unit's score is made."""
        return "l1"

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Score every unit by its incoming weights."""
        found = self.weight_scores(model, data, seed)
        wiring = wiring_of(model)
        return {
            name: reduced(by_unit(weighted(wiring.network, name), found[name]), self.reduction).cpu()
            for name in wiring.names
        }


def reduced(scores: Float[Tensor, "units ..."], how: Reduction) -> Float[Tensor, " units"]:
    """Turn the scores of each unit's weights into one."""
    flat = scores.detach().flatten(1)
    return flat.sum(1) if how == "sum" else flat.norm(1 if how == "l1" else 2, dim=1)


def scoring_copy(model: nn.Module, dtype: torch.dtype | None = None) -> nn.Module:
    """Copy a network for scoring, in evaluation mode and with gradients for every weight.

    The copy can be differentiated twice wherever PyTorch can.
    """
    copy = deepcopy(followed(model)).eval()
    for module in copy.modules():
        if isinstance(module, nn.Hardsigmoid):
            object.__setattr__(module, "forward", _hardsigmoid)
    for parameter in copy.parameters():
        parameter.grad = None
        parameter.requires_grad_(True)
    return copy if dtype is None else copy.to(dtype)


def _hardsigmoid(x: Tensor) -> Tensor:
    """The same function as PyTorch's, which cannot be differentiated twice ("derivative not implemented")."""
    return functional.relu6(x + 3) / 6


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights of every convolution and linear layer, the last included."""
    wiring = wiring_of(model)
    return {name: weighted(wiring.network, name).weight for name in wiring.weighted}


def parts_of_loss(model: nn.Module, data: Split, batch_size: int) -> Iterator[Tensor]:
    """Yield the cross-entropy of each batch, divided so that their sum is the mean over all samples (nats)."""
    for images, labels in zip(data.images.split(batch_size), data.labels.split(batch_size), strict=True):
        yield functional.cross_entropy(model(images), labels, reduction="sum") / len(data)


def drawn(data: Split, count: int, seed: int) -> Split:
    """Draw samples evenly from the classes."""
    return data.stratified(count, torch.Generator().manual_seed(seed))
