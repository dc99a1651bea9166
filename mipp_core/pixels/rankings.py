"""Rankings of pixels that are not MIPP's: by variance, and by three attributions of Captum.

An attribution says how much each pixel of an image has to do with the right class's output.  Averaged in magnitude over
images it ranks the pixels, and so answers the question that MIPP answers for the layer of pixels.  What a pixel is
compared with is always 0, which is what a removed pixel is set to.

saliency              |d output / d pixel| (Simonyan et al., arXiv 1312.6034)
integrated gradients  the pixel times the mean gradient on the way from the blank image to the image (Sundararajan et
                      al., arXiv 1703.01365); all pixels' together are what the output gains on that way
feature ablation      what the output loses when this pixel alone is blanked
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mipp_core.data.dataset import Split
from mipp_core.errors import SettingError
from mipp_core.evaluation import evaluating, quick_pools
from mipp_core.pixels.choosing import Scores
from mipp_core.vocabulary import Progress, Report, silent

Images = Float[Tensor, "n c h w"]
Labels = Int[Tensor, " n"]

STEPS = 32
"""Points on the way from the blank image at which integrated gradients are taken."""

_AT_ONCE = 20  # images
_BLANKED_AT_ONCE = 10  # pixels, each blanked in a copy of the images: 200 images a run suit a processor's cache


def _captum() -> Any:
    try:
        from captum import attr
    except ImportError as problem:
        raise SettingError("Attributions need the package captum: pip install captum.") from problem
    return attr


def saliency(model: nn.Module, images: Images, labels: Labels) -> Images:
    """Return the magnitude of every pixel's gradient of the right class's output."""
    shown = images.clone().requires_grad_()
    found: Tensor = _captum().Saliency(model).attribute(shown, target=labels)
    return found.detach()


def integrated_gradients(model: nn.Module, images: Images, labels: Labels) -> Images:
    """Return every pixel's integrated gradient: over an image they sum to its output less the blank image's."""
    method = _captum().IntegratedGradients(model)
    at_once = _AT_ONCE * _BLANKED_AT_ONCE
    found: Tensor = method.attribute(images, target=labels, n_steps=STEPS, internal_batch_size=at_once)
    return found.detach()


def feature_ablation(model: nn.Module, images: Images, labels: Labels) -> Images:
    """Return what the right class's output loses when one pixel is blanked, for every pixel."""
    with torch.no_grad(), quick_pools(model):
        method = _captum().FeatureAblation(model)
        found: Tensor = method.attribute(images, target=labels, perturbations_per_eval=_BLANKED_AT_ONCE)
    return found


ATTRIBUTIONS: Mapping[str, Callable[[nn.Module, Images, Labels], Images]] = MappingProxyType(
    {"saliency": saliency, "integrated gradients": integrated_gradients, "feature ablation": feature_ablation}
)

RANKINGS = ("variance", *ATTRIBUTIONS)
"""Every ranking by its name."""


def variance(split: Split) -> Scores:
    """Return every pixel's variance over images."""
    return split.images.flatten(1).double().var(0, correction=0)


def attributed(model: nn.Module, split: Split, name: str) -> Scores:
    """Return the mean magnitude of every pixel's attribution.

    Args:
        model: left as it was; returns one number per class.
        split: labelled images, at least 1.
        name: a key of ``ATTRIBUTIONS``.

    Raises:
        SettingError: the package captum is not installed.
    """
    total = torch.zeros(split.images[0].numel(), dtype=torch.float64)
    with evaluating(model):
        for images, labels in split.batches(_AT_ONCE):
            total += ATTRIBUTIONS[name](model, images, labels).abs().flatten(1).double().sum(0).cpu()
    return total / len(split)


def rankings(model: nn.Module, split: Split, report: Report = silent) -> dict[str, Scores]:
    """Return the scores of every ranking, by the names in ``RANKINGS``.

    Args:
        model: left as it was.
        split: the labelled images that pixels are judged on.
        report: called before each attribution; may raise ``CancelledError``.

    Raises:
        SettingError: the package captum is not installed.
    """
    found = {"variance": variance(split)}
    for place, name in enumerate(ATTRIBUTIONS):
        report(Progress(f"Ranking pixels by {name}", place / len(ATTRIBUTIONS)))
        found[name] = attributed(model, split, name)
    return found
