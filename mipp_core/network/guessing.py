"""Images that a network can read, for those who have the network alone."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mipp_core.errors import ModelError
from mipp_core.evaluation import evaluating
from mipp_core.network.channels import WEIGHTED, sizes_of

_SIDES = (32, 28, 224, 64, 16, 8, 96, 128, 12, 48, 256, 299, 1)
"""Heights and widths, the most usual first."""


def example_images(image_shape: tuple[int, ...], device: torch.device | str = "cpu") -> Float[Tensor, "2 ..."]:
    """Return two random images, the same every time; the global random state is not changed."""
    return torch.randn(2, *image_shape, generator=torch.Generator().manual_seed(0)).to(device)


@torch.no_grad()
def guessed_images(model: nn.Module) -> Tensor:
    """Return two random images that a network can read, of the first usual size that it accepts.

    Raises:
        ModelError: none of them is.
    """
    like = next((each for each in model.parameters() if each.is_floating_point()), torch.zeros(()))
    with evaluating(model):
        for shape in _shapes(model):
            images = example_images(shape).to(like)
            try:
                model(images.clone())
            except Exception:  # whatever somebody's forward method raises on images of another size
                continue
            return images
    raise ModelError("No usual size of images fits this network; record it with images of its own first.")


def _shapes(model: nn.Module) -> Iterator[tuple[int, ...]]:
    """Yield shapes that any of the layers might read, the first layers' first."""
    layers = [module for module in model.modules() if isinstance(module, WEIGHTED)]
    for dimensions, reads in dict.fromkeys((layer.weight.ndim - 2, sizes_of(layer)[0]) for layer in layers):
        if dimensions:
            yield from ((reads, *[side] * dimensions) for side in (*_SIDES, *range(2, 41)))
        else:
            yield from _flattened(reads)
            yield (reads,)
    yield from ((channels, side, side) for side in _SIDES for channels in (3, 1))


def _flattened(numbers: int) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of images that have a number of numbers, square ones first."""
    heights = sorted(range(1, numbers + 1), key=lambda height: (numbers % height**2 != 0, -height))
    for height in heights:
        for channels in (1, 3, numbers // height**2):
            if channels * height**2 == numbers and height < numbers:
                yield channels, height, height
    yield from ((1, height, numbers // height) for height in range(2, numbers) if numbers % height == 0)
