"""ProsPR: prospect pruning, looking a few steps of training ahead (Alizadeh et al., arXiv 2202.08132)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.network.gates import open_gates
from mipp_core.network.layers import wiring_of
from mipp_core.pruners.contract import Need, Ranker, Scores, require
from mipp_core.pruners.weight_scores import drawn, scoring_copy


@dataclass(frozen=True)
class ProsPR(Ranker):
    """Score a unit by how much its switch matters to the loss after a few steps of training.

    Idea: what a unit is worth at initialisation says little about what it will be worth.  So take a few steps of
    gradient descent with the switches in place, and differentiate the loss at the end through all of them.
    Formula: |dL(w_k)/dgate| at gate = 1, w_k the weights after k steps, which depend on the gate too.
    Needs: labelled data and gradients of gradients.  Cost: k + 1 batches, kept in memory together.

    Not verified against a primary source: the number of steps and the meaning are from memory.  The paper scores
    weights, and units in its structured form; here a switch stands where the next layer reads the unit.  Plain
    gradient descent without momentum; batch normalisation uses its running statistics.

    Attributes:
        steps: of training looked ahead; 3 in the paper.
        batch_size: images a step, drawn evenly from the classes.
        learning_rate: of the steps.

    Raises:
        SettingError: a setting is out of its range.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data", "labels", "gradients"})

    steps: int = 3
    batch_size: int = 256
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        require("steps", self.steps, self.steps >= 0, "at least 0")
        require("batch_size", self.batch_size, self.batch_size >= 1, "at least 1")
        require("learning_rate", self.learning_rate, self.learning_rate > 0, "above 0")

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Differentiate the last batch's loss by every switch, through all steps."""
        copy, gates = open_gates(scoring_copy(model), data.images)
        chosen = drawn(data, (self.steps + 1) * self.batch_size, seed)
        batches = list(
            zip(*(part.tensor_split(self.steps + 1) for part in (chosen.images, chosen.labels)), strict=True)
        )
        weights = dict(copy.named_parameters())
        for images, labels in batches[:-1]:
            weights = self._step(copy, weights, images, labels)
        slopes = torch.autograd.grad(_loss(copy, weights, *batches[-1]), list(gates.values()))
        return {name: slope.abs().cpu() for name, slope in zip(wiring_of(model).names, slopes, strict=True)}

    def _step(self, model: nn.Module, weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Take a step of gradient descent that can itself be differentiated."""
        slopes = torch.autograd.grad(_loss(model, weights, images, labels), list(weights.values()), create_graph=True)
        return {n: w - self.learning_rate * s for (n, w), s in zip(weights.items(), slopes, strict=True)}


def _loss(model: nn.Module, weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(functional_call(model, weights, (images,)), labels)
