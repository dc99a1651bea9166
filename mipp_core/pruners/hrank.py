"""HRank: filters by the rank of their maps (Lin et al., arXiv 2002.10179)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.evaluation import evaluating
from mipp_core.layers import Layer, chain_of
from mipp_core.pruners.contract import Need, Ranker, Scores, require
from mipp_core.pruners.weight_scores import drawn
from mipp_core.selection import Scope


@dataclass(frozen=True)
class HRank(Ranker):
    """Score a filter by the average rank of its maps.

    Idea: a map of low rank holds little information, and the average rank of a filter's maps hardly depends on which
    images are shown.
    Formula: mean over images of the matrix rank of the filter's map (Equation 5).
    Needs: a few unlabelled images.  Cost: one singular value decomposition a map.

    Departures: the map is taken as the next layer reads it, after the nonlinearity and the pooling.  A neuron's map is
    a single number, whose rank is 1 where it is not 0: its score is the share of images on which it is active.  Ranks
    of maps of different sizes cannot be compared, so the same share of every layer goes.

    Attributes:
        samples: images, drawn evenly from the classes (500 in the paper).

    Raises:
        SettingError: the samples are below 1.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data", "activations"})
    scopes: ClassVar[tuple[Scope, ...]] = ("layer",)

    samples: int = 500

    def __post_init__(self) -> None:
        require("samples", self.samples, self.samples >= 1, "at least 1")

    @torch.no_grad()
    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Average the ranks of every unit's maps."""
        found: Scores = {}
        sizes: list[torch.Size] = []
        hooks = [_listen(model, layer, found, sizes) for layer in chain_of(model).layers]
        hooks += [_remember(module, sizes) for module in model.modules() if isinstance(module, nn.Flatten)]
        try:
            with evaluating(model):
                model(drawn(data, self.samples, seed).images)
        finally:
            for hook in hooks:
                hook.remove()
        return found


def _remember(flatten: nn.Module, sizes: list[torch.Size]) -> torch.utils.hooks.RemovableHandle:
    """Note the size of the maps that are about to be put in a row."""

    def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if inputs[0].ndim == 4:
            sizes.append(inputs[0].shape[2:])

    return flatten.register_forward_pre_hook(note)


def _listen(
    model: nn.Module, layer: Layer, found: Scores, sizes: list[torch.Size]
) -> torch.utils.hooks.RemovableHandle:
    def hear(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        read = inputs[0]
        flat_size = sizes[-1] if layer.span > 1 else (1, 1)
        maps = read if read.ndim == 4 else read.reshape(len(read), layer.units, *flat_size)
        found[layer.name] = torch.linalg.matrix_rank(maps).to(maps.dtype).mean(0).cpu()

    return model.get_submodule(layer.reader).register_forward_pre_hook(hear)
