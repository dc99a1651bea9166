"""ProsPR: prospect pruning, looking a few steps of training ahead (Alizadeh et al., arXiv 2202.08132)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.network.channels import Weighted, sizes_of
from mipp_core.network.layers import times_units, weighted, wiring_of
from mipp_core.network.operations import BATCH_NORMS
from mipp_core.pruners.contract import Need, Ranker, Scores
from mipp_core.pruners.settings import above_zero, at_least, setting
from mipp_core.pruners.weight_scores import drawn, scoring_copy


@dataclass(frozen=True)
class ProsPR(Ranker):
    """Score a unit by how much its initial weights matter to the loss after a few steps of training.

    Idea: what a unit is worth at initialisation says little about what it will be worth.  So take a few steps of
    gradient descent, and differentiate the loss at the end through all of them by a mask on the initial weights.
    Formula: |dL(w_k)/dm| at m = 1, where w_0 = m * w_init and w_1 .. w_k are the weights after each step; m has one
    number per unit, which multiplies all the unit's incoming weights (Algorithm 1, in its structured form).
    Needs: labelled data and gradients of gradients.  Cost: k + 1 batches, kept in memory together.

    As in its authors' code: the mask is multiplied onto the initial weights once, biases and normalisations apart; the
    batches are new ones of 128; plain gradient descent at a rate of 0.1; normalisations use the batch's own statistics.
    Departures: computed in float64, since a normalisation undoes a unit's scale and leaves small differences.  Dropout,
    if the network has any, is off, so that a score is not a matter of chance.  Batches are drawn evenly from the
    classes.

    Example:
        >>> prune(model, images, labels, pruner="prospr", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        steps: of training looked ahead; 3 in the paper.
        batch_size: images per step, at least 2.
        learning_rate: of the steps.

    Raises:
        SettingError: a setting is out of its range, or there are fewer than two images per batch.
    """

    revision: ClassVar[int] = 2
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "labels", "gradients"})

    steps: int = setting(3, at_least(0))
    batch_size: int = setting(128, at_least(2))
    learning_rate: float = setting(0.1, above_zero())

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Differentiate the last batch's loss by every mask, through all steps."""
        copy = _training_copy(model)
        names = wiring_of(model).names
        masks = {name: _ones(weighted(copy, name)).requires_grad_() for name in names}
        weights = _masked(copy, masks)
        *ahead, last = self._batches(data, seed)
        for images, labels in ahead:
            weights = self._step(copy, weights, images, labels)
        slopes = torch.autograd.grad(_loss(copy, weights, *last), list(masks.values()), materialize_grads=True)
        return {name: slope.abs().cpu() for name, slope in zip(names, slopes, strict=True)}

    def _batches(self, data: Split, seed: int) -> list[tuple[Tensor, Tensor]]:
        """Draw a batch per step and one to judge by, all of different images."""
        count = self.steps + 1
        chosen = drawn(data, count * self.batch_size, seed)
        if len(chosen) < 2 * count:
            raise SettingError(
                f"ProsPR with {self.steps} steps needs at least {2 * count} images, not {len(chosen)}; give more "
                "images, or fewer steps."
            )
        parts = (part.tensor_split(count) for part in (chosen.images.double(), chosen.labels))
        return list(zip(*parts, strict=True))

    def _step(self, model: nn.Module, weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Take a step of gradient descent that can itself be differentiated."""
        loss, tensors = _loss(model, weights, images, labels), list(weights.values())
        slopes = torch.autograd.grad(loss, tensors, create_graph=True, materialize_grads=True)
        return {n: w - self.learning_rate * s for (n, w), s in zip(weights.items(), slopes, strict=True)}


def _ones(layer: Weighted) -> Float[Tensor, " units"]:
    return layer.weight.new_ones(sizes_of(layer)[1])


def _training_copy(model: nn.Module) -> nn.Module:
    """Copy a network for scoring, its batch normalisations as in training."""
    copy = scoring_copy(model, torch.float64)
    for module in copy.modules():
        if isinstance(module, BATCH_NORMS):
            module.train()
    return copy


def _masked(model: nn.Module, masks: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return all parameters, the weights of masked layers multiplied by their masks."""
    parameters: dict[str, Tensor] = dict(model.named_parameters())
    path_of = {id(parameter): path for path, parameter in parameters.items()}
    for name, mask in masks.items():
        layer = weighted(model, name)
        parameters[path_of[id(layer.weight)]] = times_units(layer, layer.weight, mask)
    return parameters


def _loss(model: nn.Module, weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(functional_call(model, weights, (images,)), labels)
