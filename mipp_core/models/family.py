"""What every model family declares."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

Builder = Callable[[tuple[int, ...], tuple[int, int, int], int], nn.Module]
"""(widths, image shape, classes) -> a network."""


@dataclass(frozen=True)
class Family:
    """One parametrised builder.

    Attributes:
        description: one line for people.
        layers: names of the prunable layers, input to output.
        widths: their published widths.
        build: makes the network; it draws its weights from the global generator.
        smallest_image: the smallest height and width it can read.
    """

    description: str
    layers: tuple[str, ...]
    widths: tuple[int, ...]
    build: Builder
    smallest_image: int = 1
