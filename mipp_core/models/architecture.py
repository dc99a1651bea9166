"""A network as a plain value: its family, its widths and the shape of its data."""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

import torch
from torch import nn

from mipp_core.errors import ModelError, UnknownNameError
from mipp_core.models import from_file, from_torchvision
from mipp_core.models.families import MODELS
from mipp_core.models.family import Family
from mipp_core.own_files import PREFIX as OWN_FILE


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

    def build(self, seed: int = 0) -> nn.Module:
        """Build the network with PyTorch's default initialisation, the same for the same seed.

        The global random state is left as it was.
        """
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the accelerators too
            return family(self.family).build(self.widths, self.image_shape, self.classes)

    def sketch(self) -> nn.Module:
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
    def _blank(self) -> torch.device:
        return torch.device("cpu" if self.family.startswith(OWN_FILE) else "meta")

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
@torch.no_grad()
def _check_runs(asked: Architecture) -> None:
    shape = "×".join(map(str, asked.image_shape))
    try:
        answer = asked.sketch().eval()(torch.zeros(1, *asked.image_shape, device=asked._blank))
    except ModelError:
        raise
    except Exception as problem:  # a network that somebody else wrote may raise anything
        numbers = next((each.dtype for each in asked.sketch().parameters()), torch.float32)
        if numbers not in (torch.float32, torch.float64):
            raise ModelError(
                f"{asked.family} computes in {numbers}; return it in single precision, as model.float()."
            ) from problem
        words = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise ModelError(
            f"{asked.family} cannot read images of {shape} ({words}); choose a dataset with images that it can read."
        ) from problem
    if not isinstance(answer, torch.Tensor) or answer.shape != (1, asked.classes):
        found = tuple(answer.shape) if isinstance(answer, torch.Tensor) else f"a {type(answer).__name__}"
        raise ModelError(
            f"{asked.family} returns {found} for one image; a network for {asked.classes} classes must return "
            f"{(1, asked.classes)}."
        )


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
