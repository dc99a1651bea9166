"""What every model family declares."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

Builder = Callable[[tuple[int, ...], tuple[int, int, int], int], "nn.Module"]
"""(widths, image shape, classes) -> a network."""


@dataclass(frozen=True)
class Family:
    """One parametrised builder.

    Attributes:
        description: one line for users.
        width_names: the layer, or the stage of a residual network, that each width belongs to, input to output.
        widths: the published ones; empty for a family with only one size.
        build: makes the network; it draws its weights from the global generator.
        smallest_image: the smallest height and width it can read, as far as known beforehand.
        weights: names of the pretrained weights that can be downloaded, the best last.
        revision: raised when the same seed gives other weights, or the network computes something else.
    """

    description: str
    width_names: tuple[str, ...]
    widths: tuple[int, ...]
    build: Builder
    smallest_image: int = 1
    weights: tuple[str, ...] = ()
    revision: int = 1
