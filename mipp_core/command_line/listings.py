"""Commands that list a registry."""

from argparse import Namespace
from dataclasses import asdict, fields
from typing import Any

from mipp_core.data import DATASETS, DatasetCard
from mipp_core.models import MODELS
from mipp_core.pruners import PRUNERS, describe

Answer = tuple[Any, list[str]]
"""The JSON document, and the same for people."""


def models(_: Namespace) -> Answer:
    """List the model families."""
    document = [
        {
            "name": name,
            "description": card.description,
            "widths": dict(zip(card.width_names, card.widths, strict=True)),
            "weights": card.weights,
        }
        for name, card in MODELS.items()
    ]
    lines = [f"{name:22}{card.description}" for name, card in MODELS.items()]
    return document, [
        *lines,
        f"{'torchvision:NAME':22}any other classification network of torchvision",
        f"{'PATH.py:FUNCTION':22}what your own function returns; the file is run",
    ]


def datasets(_: Namespace) -> Answer:
    """List the datasets: classes, sizes, the images' shape, the licence, and where they come from."""
    found = DATASETS.values()
    wanted = [field.name for field in fields(DatasetCard) if field.name not in ("normalisation", "load", "recipes")]
    document = [{**{key: getattr(card, key) for key in wanted}, "recipes": asdict(card.recipes)} for card in found]
    return document, [*map(_dataset_line, found), *_OWN]


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
