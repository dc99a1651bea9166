"""SNIP: single-shot network pruning by connection sensitivity (Lee, Ajanthan and Torr, arXiv 1810.02340)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.network.gates import open_gates
from mipp_core.network.layers import wiring_of
from mipp_core.pruners.contract import Need, Scores, Variant
from mipp_core.pruners.rounds import Rounds
from mipp_core.pruners.settings import at_least, one_of, setting
from mipp_core.pruners.weight_scores import (
    WeightRanker,
    WeightScores,
    drawn,
    parts_of_loss,
    scoring_copy,
    weights_of,
)


@dataclass(frozen=True)
class Snip(Rounds, WeightRanker):
    """Score a weight by how much the loss changes when it is switched off, to first order.

    Idea: put a switch of value 1 on every weight; the weights whose switches the loss is most sensitive to are kept.
    One batch at initialisation is enough to find them.
    Formula: |dL/dm| at m = 1, that is |w * dL/dw| (Equation 4); the paper divides by the sum, which changes no order.
    Needs: labelled data and one gradient.  Cost: one forward and backward pass of ``samples`` images per round.

    Departures: batch normalisation uses its running statistics.  The paper prunes weights; a unit's score is the sum of
    its weights' scores (``weights``, as in the MIPP paper), or that of its own switch where the next layer reads it
    (``gates``).

    Example:
        >>> prune(model, images, labels, pruner="snip", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        rounds: 1 in the paper; see ``IterativeSnip``.
        form: what is switched.
        samples: images, drawn evenly from the classes.
        batch_size: images at a time; it changes nothing but memory.

    Raises:
        SettingError: a setting is out of its range.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"SNIP": Variant(usual=True)}
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "labels", "gradients"})

    form: Literal["weights", "gates"] = setting("weights", one_of(["weights", "gates"]))
    samples: int = setting(500, at_least(1))
    batch_size: int = setting(250, at_least(1))

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Score every unit by its weights' switches, or by its own."""
        if self.form == "weights":
            return super().scores(model, data, seed)
        slopes = self._slopes(*open_gates(scoring_copy(model), data.images), data, seed)
        return {name: slopes[name].abs().cpu() for name in wiring_of(model).names}

    def weight_scores(self, model: nn.Module, data: Split, seed: int) -> WeightScores:
        """Multiply every weight by its gradient."""
        copy = scoring_copy(model)
        weights = weights_of(copy)
        slopes = self._slopes(copy, weights, data, seed)
        return {name: (weight.detach() * slopes[name]).abs() for name, weight in weights.items()}

    def _slopes(self, model: nn.Module, at: dict[str, Tensor], data: Split, seed: int) -> dict[str, Tensor]:
        """Differentiate the mean loss of the drawn images."""
        totals: list[Any] = [0] * len(at)
        for part in parts_of_loss(model, drawn(data, self.samples, seed), self.batch_size):
            slopes = torch.autograd.grad(part, list(at.values()))
            totals = [total + slope for total, slope in zip(totals, slopes, strict=True)]
        return dict(zip(at, totals, strict=True))


@dataclass(frozen=True)
class IterativeSnip(Snip):
    """SNIP in rounds: score what is left again after every few removals (de Jorge et al., arXiv 2006.09081, 4.1).

    Idea: the sensitivities of a pruned network differ from the dense one's, so a single round misjudges high
    sparsities.  Each round removes a little, scored on new images.
    Formula: as SNIP.  Needs: as SNIP.  Cost: ``rounds`` times SNIP's, for every sparsity.

    Departures: as SNIP; 30 rounds instead of the paper's 300, since the paper gains little from more.

    Example:
        >>> prune(model, images, labels, pruner="iter-snip", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        rounds: number of rounds of scoring and removing.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"IterSNIP": Variant(usual=True)}
    rounds: int = setting(30, at_least(1))
