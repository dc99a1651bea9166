"""Builds a family's network, and tries it on a blank image."""

from collections.abc import Callable

import torch
from torch import nn

from mipp_core.errors import ModelError
from mipp_core.models.family import Family

BLANK, EMPTY = torch.device("meta"), torch.device("cpu")
"""Where a network is built for its shapes only, and where one that needs data is."""


def built(
    card: Family, widths: tuple[int, ...], image_shape: tuple[int, int, int], classes: int, seed: int
) -> nn.Module:
    """Build a network with PyTorch's default initialisation; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the accelerators too
        return card.build(widths, image_shape, classes)


def is_network(made: object) -> bool:
    """Tell whether something is a network."""
    return isinstance(made, nn.Module)


@torch.no_grad()
def try_out(
    name: str, sketch: Callable[[], nn.Module], image_shape: tuple[int, int, int], classes: int, device: torch.device
) -> None:
    """Run a network once on a blank image.

    Raises:
        ModelError: it cannot read such images, or does not return one number per class.
    """
    shape = "×".join(map(str, image_shape))
    try:
        answer = sketch().eval()(torch.zeros(1, *image_shape, device=device))
    except ModelError:
        raise
    except Exception as problem:  # a network that somebody else wrote may raise anything
        numbers = next((each.dtype for each in sketch().parameters()), torch.float32)
        if numbers not in (torch.float32, torch.float64):
            raise ModelError(
                f"{name} computes in {numbers}; return it in single precision, as model.float()."
            ) from problem
        words = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise ModelError(
            f"{name} cannot read images of {shape} ({words}); choose a dataset with images that it can read."
        ) from problem
    if not isinstance(answer, torch.Tensor) or answer.shape != (1, classes):
        found = tuple(answer.shape) if isinstance(answer, torch.Tensor) else f"a {type(answer).__name__}"
        raise ModelError(
            f"{name} returns {found} for one image; a network for {classes} classes must return {(1, classes)}."
        )
