"""Commands that list a registry."""

from argparse import Namespace
from dataclasses import asdict, fields
from typing import Any

from mipp_core.data import DATASETS, DatasetCard
from mipp_core.pruners import PRUNERS, describe

Answer = tuple[Any, list[str]]
"""The JSON document, and the same for people."""


def datasets(chosen: Namespace) -> Answer:
    """List the datasets: classes, sizes, the images' shape, the licence, and where they come from."""
    found = DATASETS.values()
    lines = [*map(_dataset_line, found), *_OWN]
    if not chosen.json:  # ImageNet's classes take a second
        return [], lines
    wanted = [field.name for field in fields(DatasetCard) if field.name not in ("normalisation", "load", "recipes")]
    document = [
        {**{key: getattr(card, key) for key in wanted}, "classes": list(card.classes), "recipes": asdict(card.recipes)}
        for card in found
    ]
    return document, lines


_OWN = (
    f"{'folder:PATH':16}pictures of your own: a folder per class, or train/ and test/ (or val/) with such folders",
    f"{'FILE.npz':16}images and labels of your own: x_train, y_train, x_test, y_test, or images, labels",
)


def pruners(_: Namespace) -> Answer:
    """List the pruners with their default settings."""
    document = [
        {
            "name": name,
            "description": _first_line(kind),
            "paper": describe(kind()).source.rstrip("."),
            "needs": sorted(kind.needs),
            "settings": asdict(kind()),
        }
        for name, kind in PRUNERS.items()
    ]
    lines = [f"{found['name']:18}{found['description']}  [{found['paper']}]" for found in document]
    return document, lines


def _dataset_line(card: DatasetCard) -> str:
    shape = "×".join(map(str, card.image_shape))
    sizes = f"{card.train_size:,} + {card.test_size:,}"
    obtained = f"downloads {card.download}" if card.download else card.source
    counts = f"{sizes:20}{shape:10}{len(card.classes):4} classes"
    return f"{card.name:16}{counts}  {card.description}  [{card.licence}; {obtained}]"


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").splitlines()[0]
