"""SynFlow: iterative synaptic flow pruning (Tanaka et al., arXiv 2006.05467)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.network.operations import BATCH_NORMS
from mipp_core.pruners.contract import Variant
from mipp_core.pruners.rounds import Rounds
from mipp_core.pruners.settings import at_least, setting
from mipp_core.pruners.weight_scores import WeightRanker, WeightScores, scoring_copy, weights_of


@dataclass(frozen=True)
class SynFlow(Rounds, WeightRanker):
    """Score a weight by the flow of synaptic strength through it, in many small rounds.

    Idea: make all weights positive, send an image of ones through the network, and see how much of the output flows
    through each weight.  The flow through every layer is the same, so each weight of a wide layer has a small score;
    removing little at a time and scoring again means that no layer is emptied before it must be.  No data are used.
    Formula: |dR/dw * w| with R = sum of outputs of the network of |w| for an input of ones (Algorithm 1); after round
    k of R the share kept is its target to the power k / R.
    Needs: the weights and the image's shape.  Cost: one forward and backward pass of one image per round.

    Departures: computed in float64, since R overflows float32 in deep networks.  Biases, and the shifts (biases) and
    running means of batch normalisations, count as 0, since they break the conservation on which the method rests (with
    PyTorch's default biases 4 of VGG16's 14 layers survive a compression of 10^5; without, all do).  The authors' code
    takes the magnitudes of these shifts and running means: as initialised they are 0 and the scores are equal to the
    last bit; in a trained network the shifts make up 4 to 12% of a layer's sum and the ranking hardly changes (rank
    correlation 0.9999).  The paper prunes weights; a unit's score is the sum of its weights' scores.  Gates on channels
    (squeeze-and-excitation) stay in place and break the conservation too: for an image of ones they are wide open, so
    the units that squeeze score almost 0 and are removed first.

    Example:
        >>> prune(model, images, pruner="synflow", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        rounds: number of rounds of scoring and removing; 100 in the paper.

    Raises:
        SettingError: ``rounds`` is below 1.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"SynFlow": Variant(usual=True)}
    rounds: int = setting(100, at_least(1))

    def weight_scores(self, model: nn.Module, data: Split, seed: int) -> WeightScores:
        """Measure the flow through every weight, in float64."""
        positive = scoring_copy(model, torch.float64)
        _make_linear(positive)
        ones = torch.ones(1, *data.images.shape[1:], dtype=torch.float64, device=data.images.device)
        weights = weights_of(positive)
        slopes = torch.autograd.grad(positive(ones).sum(), list(weights.values()))
        return {name: (weight * slope).detach() for (name, weight), slope in zip(weights.items(), slopes, strict=True)}


@torch.no_grad()
def _make_linear(model: nn.Module) -> None:
    """Make every weight positive and every shift 0, so that the network is linear in each layer's weights."""
    for module in model.modules():
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            tensor.copy_(_shiftless(module, name, tensor))


def _shiftless(module: nn.Module, name: str, tensor: Tensor) -> Tensor:
    is_shift = name == "bias" or (isinstance(module, BATCH_NORMS) and name == "running_mean")
    return torch.zeros_like(tensor) if is_shift else tensor.abs()
