"""Magnitude pruning: units with small weights are removed first (Li et al., arXiv 1608.08710)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from mipp_core.cutting.selection import Scope
from mipp_core.data.dataset import Split
from mipp_core.pruners.contract import Variant
from mipp_core.pruners.settings import one_of, setting
from mipp_core.pruners.weight_scores import Reduction, WeightRanker, WeightScores, weights_of


@dataclass(frozen=True)
class Magnitude(WeightRanker):
    """Score a unit by the norm of its incoming weights.

    Idea: a unit whose weights are small contributes little to the next layer.  Filters are compared within their
    layer, and every layer loses the same share, as in the paper.  With scope ``global`` the norms of all layers are
    compared, although they differ in size: whole layers can be emptied while little is removed.
    Formula: sum |w| (``l1``, the paper's) or sqrt(sum w^2) (``l2``) over a filter's or neuron's weights, without bias.
    Needs: the weights alone.  Cost: one pass over them.

    Example:
        >>> prune(model, images, pruner="magnitude", sparsity=0.5, settings={"norm": "l2"}).masks.sparsity
        0.5

    Attributes:
        norm: which norm.

    Raises:
        SettingError: the norm is neither of the two.
    """

    variants: ClassVar[Mapping[str, Variant]] = {
        "L1": Variant(scope="global", usual=True),
        "L2": Variant({"norm": "l2"}, scope="global", usual=True),
        "L1 per layer": Variant(scope="layer", usual=True),
        "L2 per layer": Variant({"norm": "l2"}, scope="layer"),
    }
    scopes: ClassVar[tuple[Scope, ...]] = ("layer", "global")
    once_usual: ClassVar[Scope | None] = "global"

    norm: Literal["l1", "l2"] = setting("l1", one_of(["l1", "l2"]))

    @property
    def reduction(self) -> Reduction:
        """The norm."""
        return self.norm

    def weight_scores(self, model: nn.Module, data: Split, seed: int) -> WeightScores:
        """Take every weight's magnitude."""
        return {name: weight.detach().abs() for name, weight in weights_of(model).items()}
