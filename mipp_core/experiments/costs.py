"""What the steps of a run cost, from what they compute; nothing is timed, so that a page can ask at every turn."""

from dataclasses import dataclass
from math import prod

import torch
from torch import nn

from mipp_core.data import card_of
from mipp_core.evaluation import COUNTED, macs, uses
from mipp_core.experiments.subject import REBUILD_ON
from mipp_core.pruners import ClosedForm, Cmi, Ranker
from mipp_core.runs.spec import RunSpec

_A_SECOND = 2e10  # multiply-accumulates of small layers in float32, on one core
_IN_FLOAT64 = 5e10  # and of products of regressors
_A_STEP = 5e-4  # seconds of a training step, however small
_A_CUT = 0.05  # seconds of a cut and its comparison
_ROWS = 100_000  # samples times positions that a layer is fitted on
_TRAINING = 3  # a step forward and backward, in forward passes
_MEASURED = 0.8  # a slim network is run twice over the images, without gradients and with fewer units
_SPECTRUM = 5  # multiply-accumulates of the eigenvalues of a matrix, as a multiple of its side cubed
_A_LAYER = 0.5  # seconds of a layer's kernels, and of judging some cuts of it
_SLIM = 0.6  # what the slim networks of a sweep compute, as a share of the dense one's


@dataclass(frozen=True)
class Costs:
    """Seconds on one core of a usual processor, if nothing of the run has been computed yet: right within a few times.

    What one step takes beside another is closer than that, since all of a run's steps run on the same machine.

    Attributes:
        training: the dense network; 0 at initialisation.
        testing: the pruner; None where that depends on what it finds.
        rebuilding: cutting, rebuilding and measuring all levels.
        retraining: retraining all levels, and measuring the controls.
    """

    training: float
    testing: float | None
    rebuilding: float
    retraining: float

    @property
    def first(self) -> float | None:
        """Seconds until all levels are rebuilt and measured, which is when a page has something to show."""
        return None if self.testing is None else self.training + self.testing + self.rebuilding


def costs_of(spec: RunSpec) -> Costs:
    """Return what the steps of a run cost.

    Raises:
        MippError: the network cannot be built, or cannot read the images.
    """
    spec.network.architecture.check_runs()
    card, network = card_of(spec.network.dataset), spec.network.architecture.sketch()
    an_image, points = float(macs(network, card.image_shape)), len(spec.points)
    measured = card.test_size + REBUILD_ON
    a_level = _A_CUT + _MEASURED * an_image * measured / _A_SECOND + _products(network, card.image_shape) / _IN_FLOAT64
    trained = _epochs(spec.network.recipe.epochs, spec.network.recipe.batch_size, card.train_size, an_image)
    again = _epochs(spec.retraining.epochs, spec.retraining.batch_size, card.train_size, _SLIM * an_image)
    compared = len({"random", "magnitude"} & {*spec.controls})
    return Costs(
        training=trained if spec.trained else 0.0,
        testing=_testing(spec, network, an_image, card.image_shape, card.train_size),
        rebuilding=points * a_level,
        retraining=points * (again + 2 * compared * a_level),
    )


def _epochs(epochs: int, batch_size: int, images: int, an_image: float) -> float:
    return epochs * (_TRAINING * an_image * images / _A_SECOND + _A_STEP * images / batch_size)


def _testing(
    spec: RunSpec, network: nn.Module, an_image: float, shape: tuple[int, int, int], images: int
) -> float | None:
    if isinstance(spec.settings, ClosedForm):
        pixels = prod(shape) if spec.settings.pixels else 0
        seen = min(spec.settings.samples, images)
        work = seen * an_image / _A_SECOND + (_products(network, shape) + pixels**3) / _IN_FLOAT64
        return work * (1 if spec.settings.path == "common" else len(spec.points))
    if isinstance(spec.settings, Cmi):
        return _ordering(spec.settings, network)
    if isinstance(spec.settings, Ranker) and spec.follow is None and "training" not in spec.settings.needs:
        return _TRAINING * an_image * images / _A_SECOND
    return None


def _ordering(settings: Cmi, network: nn.Module) -> float:
    """Return the seconds of CMI's orders: every layer's candidates at every pick, twice where a start is looked for."""
    weights = (getattr(module, "weight", None) for module in network.modules() if isinstance(module, COUNTED))
    widths = [len(weight) for weight in weights if isinstance(weight, torch.Tensor)][:-1]
    candidates, n = sum(width**2 / 2 for width in widths), settings.samples
    each = 2 * n**2 / _A_SECOND if settings.alpha == 2 else 2 * _SPECTRUM * n**3 / _A_SECOND
    return (1 + (settings.direction == "bi-directional")) * (candidates * each + _A_LAYER * len(widths))


def _products(network: nn.Module, shape: tuple[int, int, int]) -> float:
    """Return the multiplications of all products of two numbers that a layer reads."""
    times, found = uses(network, shape), 0.0
    for name, count in times.items():
        weight = getattr(network.get_submodule(name), "weight", None)
        if isinstance(weight, torch.Tensor) and isinstance(network.get_submodule(name), COUNTED):
            found += min(REBUILD_ON * count, _ROWS) * float(weight[0].numel()) ** 2
    return found
