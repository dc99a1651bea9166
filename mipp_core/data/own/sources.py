"""What looking at images of a user's own gives, whether they are in a folder or in one file."""

from dataclasses import dataclass

from mipp_core.data.card import DatasetCard, Loader
from mipp_core.data.normalisation import Normalisation
from mipp_core.data.own.naming import Name
from mipp_core.errors import ImagesError
from mipp_core.recipes import Recommended

IN_MEMORY = 2**30
"""Most bytes that the network inputs of a dataset (four bytes each) may take in memory; more are streamed."""

_FEW = 2000

REVISION = 1
"""Raised when the same files and the same options give other images."""


@dataclass(frozen=True)
class Found:
    """Images that can be used.

    Attributes:
        name: of the dataset.
        classes: class names, in label order.
        normalisation: how pixels in [0, 1] become network inputs.
        load: reads the images; see ``DatasetCard``.
        notes: what a person should know, each one line.
    """

    name: Name
    classes: tuple[str, ...]
    normalisation: Normalisation
    load: Loader
    notes: tuple[str, ...]

    @property
    def card(self) -> DatasetCard:
        """The dataset's card."""
        return card_for(self.name, self.classes, self.normalisation, self.load)


def card_for(name: Name, classes: tuple[str, ...], normalisation: Normalisation, load: Loader) -> DatasetCard:
    """Return the card of images of a user's own."""
    return DatasetCard(
        name=str(name),
        description=f"Images of your own, {name.words}.",
        classes=classes,
        image_shape=name.image_shape,
        train_size=name.train_size,
        test_size=name.test_size,
        download=None,
        normalisation=normalisation,
        load=load,
        recipes=Recommended(live="own-few" if name.train_size < _FEW else "own"),
        licence="your own",
        source="your own",
        revision=REVISION,
    )


def changed(name: Name) -> ImagesError:
    """Return the error that says that images are not those that were named."""
    return ImagesError(
        f"The images {name.words} have been changed since they were named; name them again, which gives "
        "runs on them another name."
    )
