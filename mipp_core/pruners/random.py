"""Random pruning: the control every other choice of units must beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from mipp_core.data.dataset import Split
from mipp_core.network.layers import wiring_of
from mipp_core.pruners.contract import Ranker, Scores, Variant


@dataclass(frozen=True)
class Random(Ranker):
    """Score units uniformly at random.

    Idea: any other choice of units must beat this one.  With MIPP's per-layer counts, it shows whether MIPP's ratios or
    its choice of units matters.
    Formula: a random number drawn from the seed.  Needs: nothing.  Cost: none.

    Example:
        >>> prune(model, images, pruner="random", sparsity=0.5, seed=3).masks.sparsity
        0.5
    """

    variants: ClassVar[Mapping[str, Variant]] = {"random": Variant(usual=True)}

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Draw one number in [0, 1) per unit from the seed."""
        generator = torch.Generator().manual_seed(seed)
        return {layer.name: torch.rand(layer.units, generator=generator) for layer in wiring_of(model).layers}
