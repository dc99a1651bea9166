"""A network as a value: a family, its widths and the shape of its data."""

from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any

import torch
from torch import nn

from mipp_core.errors import ModelError, UnknownNameError
from mipp_core.models.families import MODELS, Family


@dataclass(frozen=True)
class Architecture:
    """Everything needed to build a network, weights apart.

    A pruned network is the same family with smaller widths, so it is rebuilt from this value and a state dict.

    Attributes:
        family: a name in ``MODELS``.
        widths: units of each prunable layer, input to output, each at least 1.
        image_shape: channels, height and width of one input.
        classes: number of outputs.

    Raises:
        UnknownNameError: the family is not registered.
        ModelError: a width is below 1, there are too few or too many, or the image is too small for the family.
    """

    family: str
    widths: tuple[int, ...]
    image_shape: tuple[int, int, int]
    classes: int

    def __post_init__(self) -> None:
        card = family(self.family)
        if self.classes < 1:
            raise ModelError(f"A network of {self.classes} classes answers nothing; give at least 1.")
        if len(self.widths) != len(card.layers) or min(self.widths) < 1:
            raise ModelError(
                f"The widths {list(self.widths)} do not fit {self.family}: give {len(card.layers)} whole numbers "
                f"of at least 1, for {', '.join(card.layers)}."
            )
        if min(self.image_shape[1:]) < card.smallest_image:
            raise ModelError(
                f"{self.family} cannot read images of {self.image_shape[1]}x{self.image_shape[2]}: use images of at "
                f"least {card.smallest_image}x{card.smallest_image}."
            )

    def build(self, seed: int = 0) -> nn.Module:
        """Build the network with PyTorch's default initialisation, the same for the same seed.

        The global random state is left as it was.
        """
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the accelerators too
            return MODELS[self.family].build(self.widths, self.image_shape, self.classes)

    def with_widths(self, widths: tuple[int, ...]) -> "Architecture":
        """Return the same family with other widths."""
        return replace(self, widths=widths)

    @property
    def inputs(self) -> int:
        """Numbers in one input image."""
        return prod(self.image_shape)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; ``Architecture.from_json`` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Architecture":
        """Read what ``to_json`` wrote."""
        return cls(value["family"], tuple(value["widths"]), tuple(value["image_shape"]), value["classes"])


def family(name: str) -> Family:
    """Look a model family up by name.

    Raises:
        UnknownNameError: lists the known names.
    """
    if name not in MODELS:
        raise UnknownNameError("model", name, MODELS)
    return MODELS[name]


def architecture(
    name: str, image_shape: tuple[int, int, int], classes: int, widths: tuple[int, ...] | None = None
) -> Architecture:
    """Return the family's published architecture for a dataset, or one with other widths."""
    return Architecture(name, family(name).widths if widths is None else widths, image_shape, classes)
