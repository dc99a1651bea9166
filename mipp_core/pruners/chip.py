"""CHIP: channel independence-based pruning (Sui et al., arXiv 2110.13981)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.cutting.selection import Scope
from mipp_core.data.dataset import Split
from mipp_core.network.activations import listen
from mipp_core.pruners.contract import Need, Ranker, Scores, Variant
from mipp_core.pruners.settings import at_least, setting
from mipp_core.pruners.weight_scores import drawn


@dataclass(frozen=True)
class Chip(Ranker):
    """Score a unit by how much its map adds to those of its layer.

    Idea: a map that is nearly a combination of the layer's other maps can be replaced by them.  A map's
    independence is how much the nuclear norm of the layer's maps, stacked as rows of a matrix, falls without its row.
    Formula: mean over images of |A|_* - |A without row c|_* (Equation 3).
    Needs: a few unlabelled images.  Cost: one singular value decomposition per unit and image.

    Departures: maps are taken as the next layer reads them.  For neurons, whose maps are single numbers, the matrix is
    a column and its nuclear norm is the Euclidean norm.  Scores of different layers have different scales, so the same
    share of every layer is removed.

    Example:
        >>> prune(model, images, pruner="chip", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        samples: images, drawn evenly from the classes (five batches of 128 in the paper).

    Raises:
        SettingError: ``samples`` is below 1.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"CHIP": Variant()}
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "activations"})
    scopes: ClassVar[tuple[Scope, ...]] = ("layer",)

    samples: int = setting(100, at_least(1))

    @torch.no_grad()
    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Average every unit's independence over the images."""
        found: Scores = {}

        def hear(name: str, maps: Tensor) -> None:
            found[name] = independence(maps.reshape(*maps.shape[:2], -1)).cpu()

        listen(model, drawn(data, self.samples, seed).images, hear)
        return found


def independence(maps: Float[Tensor, "n units numbers"]) -> Float[Tensor, " units"]:
    """Return how much the nuclear norm of an image's maps falls without each unit, averaged over images."""
    whole = torch.linalg.matrix_norm(maps, "nuc")
    keep = 1 - torch.eye(maps.shape[1], dtype=maps.dtype, device=maps.device)
    without = [torch.linalg.matrix_norm(maps * row[:, None], "nuc") for row in keep]
    return torch.stack([(whole - each).mean() for each in without])
