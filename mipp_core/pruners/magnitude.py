"""Magnitude pruning: units with small weights go first (Li et al., arXiv 1608.08710)."""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.layers import chain_of, weighted
from mipp_core.pruners.contract import Ranker, Scores


@dataclass(frozen=True)
class Magnitude(Ranker):
    """Score a unit by the norm of its incoming weights.

    Formula: sum |w| (``l1``) or sqrt(sum w^2) (``l2``) over a filter's or neuron's weights, bias apart.
    Needs weights alone; costs one pass over them.

    Attributes:
        norm: which norm.

    Raises:
        SettingError: the norm is neither.
    """

    norm: Literal["l1", "l2"] = "l1"

    def __post_init__(self) -> None:
        if self.norm not in {"l1", "l2"}:
            raise SettingError(f"The setting norm is {self.norm!r}; it must be l1 or l2.")

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Take the norm of every unit's incoming weights."""
        order = 1 if self.norm == "l1" else 2
        return {
            name: weighted(model, name).weight.detach().flatten(1).norm(order, dim=1).cpu()
            for name in chain_of(model).names
        }
