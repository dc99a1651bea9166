"""CMI: keep the units that tell most of the labels (Vu-Van et al., arXiv 2411.18578)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from mipp_core.cutting.masks import KeepMasks
from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.pruners.cmi_settings import CmiSettings
from mipp_core.pruners.cmi_trace import Examined, Look
from mipp_core.pruners.cmi_walk import Walk
from mipp_core.pruners.contract import Need, Scores, Task, Variant
from mipp_core.vocabulary import Report, silent


@dataclass(frozen=True)
class Cmi(CmiSettings):
    """Order each layer's units by what they add to the knowledge of the labels, and cut where little is left to add.

    Idea: pick, one after another, the unit that together with those picked before tells most of the labels.  What the
    rest still tells, the conditional mutual information (CMI), falls with every pick; where it bends, the layer is cut.
    Formula: CMI_k = I(labels; rest | first k, given), with Renyi's matrix-based entropy of order alpha
    (``mipp_core.information.renyi``); *given* is nothing (``per-layer``), the retained units of the neighbour that was
    cut before (``compact``), or those of all layers that were (``full``).
    Needs: a few labelled images.  Cost: one forward pass; per layer, the eigenvalues of one matrix of samples by
    samples for every two units; none for alpha = 2.

    Biased upwards: with few samples and many units, shuffled labels seem to be told, too; with the paper's width almost
    as many bits as the real ones (``mipp cmi`` prints both).  The permutation cut-off alone allows for that.

    It has a pruning ratio of its own for each layer.  Asked for a sparsity instead, it takes away in the reverse of its
    orders: the same share of what it would cut from every layer, and beyond its own ratio the same share of the rest.

    Departures.  The released code looks for the cut among the units' numbers; here it is looked for among CMI values.
    Its removed filters keep their normalisation's constant; here a unit goes with its normalisation.  The paper is
    silent on the scale of activations: each unit's are divided by their standard deviation, so that rescaling a unit
    changes nothing.  It is silent on how close two labels are: equal or not (``labels``).  Of Scree's sharpest
    bends the one with the best accuracy on held-out training images is taken, of equals the one that keeps fewer.
    Where a stream is read, the neighbour before is what the layer reads of it
    (``mipp_core.information.feature_maps``).

    Example:
        >>> quick = {"alpha": 2.0, "samples": 24, "validation": 24}
        >>> pruned = prune(model, images, labels, pruner="cmi", sparsity=0.5, settings=quick)
        >>> pruned.masks.sparsity
        0.5

    Attributes:
        conditioning: what an order is conditioned on.
        cut_off: how the cut is found: ``scree``, ``x-means`` or ``permutation`` (which cuts far too much, because a
            saturated estimate finds nothing significant).
        direction: from the first layer on (``forward``), or both ways from the layer that alone can be cut most at an
            acceptable accuracy (``bi-directional``).
        alpha: order of the entropy; 1.01 in the paper.
        width: rule for a kernel's width; ``paper`` saturates after some 16 maps of 4 x 4.
        width_factor: multiplies the width.
        pooled: maps are averaged to so many places along each dimension; 0 leaves them whole, as in the paper.
        labels: how two labels are compared.
        samples: images, drawn evenly from the classes (256 in the paper).
        validation: other training images, on which bends and starting layers are judged.
        acceptable: accuracy that cutting the starting layer alone may cost, as a share of 1.
        bends: the sharpest so many are compared by accuracy (3 in the paper).
        shuffles: orders drawn per test of the permutation cut-off (100 in the paper).
        level: its significance level (0.05 in the paper).
        scaled: divide each unit's activations by their standard deviation.

    Raises:
        SettingError: a setting is out of its range.
    """

    variants: ClassVar[Mapping[str, Variant]] = {"CMI": Variant(usual=True)}
    needs: ClassVar[frozenset[Need]] = frozenset({"data", "labels", "activations"})
    cuts_itself: ClassVar[bool] = True
    revision: ClassVar[int] = 2

    def scored(self, task: Task) -> Scores:
        """Score units as ``scores`` does, with progress."""
        return self.examine(task.model, task.data, task.seed, task.report).scores

    def own(self, task: Task) -> KeepMasks:
        """Return the keep-masks of its own ratios."""
        return self.examine(task.model, task.data, task.seed, task.report).masks

    def examine(self, model: nn.Module, data: Split, seed: int, report: Report = silent) -> Examined:
        """Order and cut every layer; return the orders, the curves, and the cuts that were tried.

        Args:
            model: left bit-identical.
            data: labelled training images, on the network's device.
            seed: of the draws.
            report: called per layer; may raise ``CancelledError``.
        """
        return Walk.over(self, model, data, seed, report).taken()

    def look(self, model: nn.Module, data: Split, seed: int, layer: str) -> Look:
        """Order one layer, conditioned on nothing, and say where each rule would cut it.

        Raises:
            SettingError: there is no such layer that can be pruned.
        """
        walk = Walk.over(self, model, data, seed, silent)
        if layer not in walk.wiring.names:
            raise SettingError(f"There is no layer {layer!r} to prune; there are: {', '.join(walk.wiring.names)}.")
        return walk.look(layer)

    def scores(self, model: nn.Module, data: Split, seed: int) -> Scores:
        """Score units by their place in their layer's order: above 1/2 for those that its own ratio keeps."""
        return self.examine(model, data, seed).scores
