"""What every pruner is: a frozen dataclass of settings that either ranks units or decides about them.

Neither kind touches the network: parameters, buffers, gradients, training flags, hooks and the global random state
are bit-identical afterwards.  Randomness comes from the seed passed in.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.terc import Decision
from mipp_core.vocabulary import Report

Need = Literal["data", "labels", "gradients", "activations", "training"]
"""What a pruner looks at besides the weights."""

Scores = dict[str, Float[Tensor, " units"]]
"""Layer name -> one score per unit; the highest are kept."""


@dataclass(frozen=True)
class Ranker(ABC):
    """A pruner that scores units; ``mipp_core.selection`` turns scores into keep-masks."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    @abstractmethod
    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Score every unit of every prunable layer."""


@dataclass(frozen=True)
class Decider(ABC):
    """A pruner that finds its own pruning ratios from a confidence."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    @abstractmethod
    def decide(
        self, model: nn.Module, data: Split, seed: int, confidences: tuple[float, ...], report: Report
    ) -> list[Decision]:
        """Decide about every unit at every confidence, given in ascending order."""


Pruner = Ranker | Decider
