"""Pruning by attribution: layer conductance (Dhamdhere, Sundararajan and Yan, arXiv 1805.12233), by Captum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.network.gates import Gate, open_gates
from mipp_core.network.layers import wiring_of
from mipp_core.pruners.contract import Need, Ranker, Scores, Variant
from mipp_core.pruners.settings import at_least, setting
from mipp_core.pruners.weight_scores import drawn, scoring_copy


@dataclass(frozen=True)
class Conductance(Ranker):
    """Score a unit by how much of the right class's output is attributed to it.

    Idea: integrated gradients attribute an output to the image's pixels; conductance attributes it to a hidden layer's
    units.  Units that contribute little to the right class's output can be removed.
    Formula: mean over images of |conductance of the right class's logit| (Equation 3), a filter's positions summed,
    along the straight line from the black image to the image.
    Needs: labelled images, and the package captum.  Cost: ``steps`` forward and backward passes per layer.

    Departures: the paper explains networks and does not prune them.  Units are taken as the next layer reads them.

    Example:
        >>> prune(model, images, labels, pruner="conductance", sparsity=0.5).masks.sparsity
        0.5

    Attributes:
        samples: images, drawn evenly from the classes.
        steps: points on the line from the black image.

    Raises:
        SettingError: a setting is out of its range.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"conductance": Variant()}
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "labels", "gradients", "activations"})

    samples: int = setting(200, at_least(1))
    steps: int = setting(16, at_least(1))

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Average the magnitude of every unit's conductance over the images."""
        try:
            from captum.attr import LayerConductance
        except ImportError as problem:
            raise SettingError("Conductance needs the package captum: pip install captum.") from problem

        copy, _ = open_gates(scoring_copy(model), data.images)
        chosen = drawn(data, self.samples, seed)
        totals: dict[str, Tensor] = {}
        for gate in [module for module in copy.modules() if isinstance(module, Gate)]:
            flow = LayerConductance(copy, gate).attribute(
                chosen.images,
                baselines=torch.full_like(chosen.images, float(chosen.images.min())),
                target=chosen.labels,
                n_steps=self.steps,
            )
            for layer in wiring_of(model).layers:
                name, heard = layer.name, gate.heard_of(layer.name, layer.units, flow.detach())
                if heard is not None:
                    totals[name] = totals.get(name, 0) + heard.sum(2)
        return {name: totals[name].abs().mean(0).cpu() for name in wiring_of(model).names}
