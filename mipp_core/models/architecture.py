"""A network as a plain value: its family, its widths and the shape of its data."""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from mipp_core.errors import ModelError, UnknownNameError
from mipp_core.models import from_file, from_torchvision
from mipp_core.models.families import MODELS
from mipp_core.models.family import Family
from mipp_core.own_files import PREFIX as OWN_FILE

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """Everything needed to build a network, except its weights.

    A pruned network is the same family with smaller widths, so it can be built from this value and a state dict.

    Attributes:
        family: a name in ``MODELS``, ``torchvision:NAME``, or what ``load_file`` returned.
        widths: of the family's layers or stages, input to output, each at least 1.
        image_shape: channels, height and width of one input.
        classes: number of outputs.

    Raises:
        UnknownNameError: there is no such family.
        ModelError: a width is below 1, there are too few or too many, or the image is too small for the family.
    """

    family: str
    widths: tuple[int, ...]
    image_shape: tuple[int, int, int]
    classes: int

    def __post_init__(self) -> None:
        card = family(self.family)
        if self.classes < 1:
            raise ModelError(f"A network cannot have {self.classes} classes; give at least 1.")
        if len(self.widths) != len(card.widths) or not all(width >= 1 for width in self.widths):
            raise ModelError(f"The widths {list(self.widths)} do not fit {self.family}: {_widths_asked(card)}.")
        if min(self.image_shape[1:]) < card.smallest_image:
            raise ModelError(
                f"{self.family} cannot read images of {self.image_shape[1]}x{self.image_shape[2]}: use images of at "
                f"least {card.smallest_image}x{card.smallest_image}."
            )

    def build(self, seed: int = 0) -> "nn.Module":
        """Build the network with PyTorch's default initialisation, the same for the same seed.

        The global random state is left as it was.
        """
        from mipp_core.models import making  # methods import PyTorch: it costs a second

        return making.built(family(self.family), self.widths, self.image_shape, self.classes, seed)

    def sketch(self) -> "nn.Module":
        """Build the network for its shapes only, without data; a user's own file may need data and gets it."""
        with self._blank:
            return self.build()

    def check_runs(self) -> None:
        """Run the network once on a blank image, without data if it can be built that way.

        Raises:
            ModelError: it cannot read such images, or does not return one number per class.
        """
        _check_runs(self)

    def with_widths(self, widths: tuple[int, ...]) -> "Architecture":
        """Return the same family with other widths."""
        return replace(self, widths=widths)

    @property
    def _blank(self) -> "torch.device":
        from mipp_core.models import making

        return making.EMPTY if self.family.startswith(OWN_FILE) else making.BLANK

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


@lru_cache(maxsize=64)
def _check_runs(asked: Architecture) -> None:
    from mipp_core.models import making

    making.try_out(asked.family, asked.sketch, asked.image_shape, asked.classes, asked._blank)


def _widths_asked(card: Family) -> str:
    if not card.widths:
        return "it has one size only; leave the widths out"
    return f"give {len(card.widths)} whole numbers of at least 1, for {', '.join(card.width_names)}"


def family(name: str) -> Family:
    """Look a model family up by name.

    Raises:
        UnknownNameError: lists the known names.
        ModelError: the name refers to a Python file that has not been loaded in this process.
    """
    if name in MODELS:
        return MODELS[name]
    if name.startswith(from_torchvision.PREFIX):
        return from_torchvision.torchvision_family(name.removeprefix(from_torchvision.PREFIX))
    if name.startswith(OWN_FILE):
        return from_file.named_file(name)
    raise UnknownNameError("model", name, [*MODELS, f"{from_torchvision.PREFIX}NAME"])


def architecture(
    name: str, image_shape: tuple[int, int, int], classes: int, widths: tuple[int, ...] | None = None
) -> Architecture:
    """Return the family's published architecture for a dataset, or one with the given widths."""
    return Architecture(name, family(name).widths if widths is None else widths, image_shape, classes)
