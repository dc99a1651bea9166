"""Torchvision's networks for classification, as families."""

from difflib import get_close_matches
from functools import cache

from mipp_core.errors import UnknownNameError
from mipp_core.later import Later
from mipp_core.models.family import Family

PREFIX = "torchvision:"
"""Start of these families' names, as in ``torchvision:mobilenet_v3_small``."""

PRETRAINED_CLASSES = 1000
"""Number of classes of all of torchvision's pretrained classifiers: ImageNet's."""


def photographs(name: str, *weights: str) -> Family:
    """Return the family of a network that torchvision has, and its weights' names; it has only one size."""
    return Family(
        description=f"{name} as torchvision builds it, for photographs",
        width_names=(),
        widths=(),
        build=Later("mipp_core.models.torchvision_network", "build", (name,)),
        weights=weights,
    )


@cache
def torchvision_family(name: str) -> Family:
    """Return the family of one of torchvision's networks.

    Raises:
        UnknownNameError: lists the closest names that torchvision knows.
    """
    from torchvision import models  # here: it costs a second, which only those who ask for such a network should pay

    known = models.list_models(module=models)
    if name not in known:
        close = get_close_matches(name, known) or known
        raise UnknownNameError("model", PREFIX + name, [PREFIX + other for other in close])
    weights = models.get_model_weights(name)
    return photographs(name, *(found.name for found in weights if found.meta.get("categories")))  # others lack a layer
