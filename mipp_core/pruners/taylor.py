"""Taylor pruning: a unit's importance to first order (Molchanov et al., arXiv 1906.10771)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from mipp_core.data.dataset import Split
from mipp_core.network.gates import open_gates
from mipp_core.pruners.contract import Need, Ranker, Scores
from mipp_core.pruners.settings import at_least, setting
from mipp_core.pruners.weight_scores import drawn, scoring_copy


@dataclass(frozen=True)
class Taylor(Ranker):
    """Score a unit by the squared change of the loss when it is switched off, to first order, averaged over batches.

    Idea: the loss of a batch changes by about gate * dL/dgate when a unit is removed.  At a trained network's minimum
    the mean of that is near 0, so its square is averaged over batches.
    Formula: mean over batches of (dL/dgate)^2 at gate = 1 (Equation 8, "TaylorFO with a gate").
    Needs: labelled data and one gradient per batch.  Cost: one forward and backward pass of ``samples`` images.

    Departures: the paper prunes a few units every few steps of fine-tuning; here the network is scored once.  The gate
    is where the next layer reads the unit.

    Example:
        >>> prune(model, images, labels, pruner="taylor", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        samples: images, drawn evenly from the classes.
        batch_size: images per batch; the last batch may be smaller.

    Raises:
        SettingError: a setting is out of its range.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data", "labels", "gradients", "activations"})

    samples: int = setting(1000, at_least(1))
    batch_size: int = setting(50, at_least(1))

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Average every gate's squared slope over the batches."""
        copy, gates = open_gates(scoring_copy(model), data.images)
        chosen = drawn(data, self.samples, seed)
        totals = {name: torch.zeros_like(gate).detach() for name, gate in gates.items()}
        batches = -(-len(chosen) // self.batch_size)
        for images, labels in zip(*(t.split(self.batch_size) for t in (chosen.images, chosen.labels)), strict=True):
            slopes = torch.autograd.grad(functional.cross_entropy(copy(images), labels), list(gates.values()))
            totals = {n: totals[n] + s.square() / batches for n, s in zip(totals, slopes, strict=True)}
        return {name: total.cpu() for name, total in totals.items()}
