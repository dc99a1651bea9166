"""HRank: filters by the rank of their maps (Lin et al., arXiv 2002.10179)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from mipp_core.cutting.selection import Scope
from mipp_core.data.dataset import Split
from mipp_core.network.activations import listen
from mipp_core.pruners.contract import Need, Ranker, Scores
from mipp_core.pruners.settings import at_least, setting
from mipp_core.pruners.weight_scores import drawn


@dataclass(frozen=True)
class HRank(Ranker):
    """Score a filter by the average rank of its maps.

    Idea: a map of low rank holds little information, and the average rank of a filter's maps hardly depends on which
    images are shown.
    Formula: mean over images of the matrix rank of the filter's map (Equation 5).
    Needs: a few unlabelled images.  Cost: one singular value decomposition per map.

    Departures: the map is taken as the next layer reads it, after the nonlinearity and the pooling.  A neuron's map is
    a single number, whose rank is 1 where it is not 0: its score is the share of images on which it is active.  Ranks
    of maps of different sizes cannot be compared, so the same share of every layer is removed.

    Example:
        >>> prune(model, images, pruner="hrank", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        samples: images, drawn evenly from the classes (500 in the paper).

    Raises:
        SettingError: ``samples`` is below 1.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data", "activations"})
    scopes: ClassVar[tuple[Scope, ...]] = ("layer",)

    samples: int = setting(500, at_least(1))

    @torch.no_grad()
    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Average the ranks of every unit's maps."""
        found: Scores = {}

        def hear(name: str, maps: Tensor) -> None:
            ranks = torch.linalg.matrix_rank(maps.flatten(3) if maps.ndim > 3 else maps.reshape(*maps.shape[:2], -1, 1))
            found[name] = ranks.to(maps.dtype).mean(0).cpu()

        listen(model, drawn(data, self.samples, seed).images, hear)
        return found
