"""What can be pruned of a network, as a table."""

from argparse import Namespace
from dataclasses import asdict
from math import prod
from typing import Any

import torch
from torch import nn

from mipp_core.command_line.reading import widths_of
from mipp_core.cutting.inspection import Inspection, inspect
from mipp_core.data import card_of
from mipp_core.errors import MippError, ModelError, SettingError
from mipp_core.models import Architecture, family, load_file
from mipp_core.models.from_torchvision import PREFIX, PRETRAINED_CLASSES
from mipp_core.network.guessing import example_images
from mipp_core.own_files import PREFIX as OWN_FILE
from mipp_core.own_files import names_a_file

_PHOTOGRAPH = (3, 224, 224)
_MOST = 100_000_000
"""Numbers of one image; such a batch still fits into memory."""

Answer = tuple[Any, list[str]]
"""The JSON document, and the same for people."""


def inspect_command(chosen: Namespace) -> Answer:
    """Say of every part of a network whether it can be pruned, and how much of the whole is within reach."""
    name = load_file(chosen.network) if names_a_file(chosen.network) else chosen.network
    shape, classes = _shape_and_classes(chosen, name)
    found = inspect(_built(name, chosen.widths, shape, classes), example_images(shape))
    document = {
        "network": chosen.network,
        "image_shape": shape,
        "layers": [asdict(row) for row in found.rows],
        "dense": asdict(found.dense),
        "least": asdict(found.least),
        "reach": found.reach,
    }
    return document, [*table(found), "", *found.words()]


def _shape_and_classes(chosen: Namespace, name: str) -> tuple[tuple[int, ...], int]:
    """Return the shape of the images and the number of classes: those given, the dataset's, or the usual ones."""
    if chosen.classes is not None and chosen.classes < 1:
        raise SettingError(f"A network cannot have {chosen.classes} classes; give at least 1.")
    if chosen.image:
        if chosen.dataset:
            raise SettingError("Give either --image or --dataset: both say what the network's images are like.")
        return _shape(chosen.image), chosen.classes or 10
    if chosen.dataset:
        card = card_of(chosen.dataset)
        return card.image_shape, chosen.classes or len(card.classes)
    if name.startswith(PREFIX):
        return _PHOTOGRAPH, chosen.classes or PRETRAINED_CLASSES
    card = card_of("mnist-sample")
    return card.image_shape, chosen.classes or len(card.classes)


def _shape(text: str) -> tuple[int, ...]:
    sizes = text.lower().replace("×", "x").split("x")
    if not all(size.isdecimal() and len(size) < len(str(_MOST)) and int(size) for size in sizes):
        raise SettingError(f"--image {text[:40]} is no shape; give channels, height and width, as 3x224x224, or 1x128.")
    shape = tuple(map(int, sizes))
    if prod(shape) > _MOST:
        raise SettingError(f"--image {text} has {prod(shape):,} numbers; give at most {_MOST:,}.")
    return shape


def _built(name: str, widths: str | None, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build a network that need not classify, and may read other things than pictures."""
    card = family(name)
    own = widths_of(widths) or card.widths
    if len(shape) == 3:
        Architecture(name, own, shape, classes)  # refuses what does not fit the family
    elif not name.startswith(OWN_FILE):
        asked = "x".join(map(str, shape))
        raise SettingError(f"{name} reads pictures, not {asked}; give channels, height and width, as --image 3x32x32.")
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            return card.build(own, shape, classes).eval()  # type: ignore[arg-type]
    except MippError:
        raise
    except Exception as problem:  # whatever a builder raises on such sizes
        words = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        asked = "x".join(map(str, shape))
        raise ModelError(f"{name} cannot be built for {asked} images ({words}); give another --image.") from problem


def table(found: Inspection) -> list[str]:
    """Return one aligned line per part."""
    rows = [(row.name, row.kind, f"{row.parameters:,}", row.fate, row.why) for row in found.rows]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    return [
        f"{name:{widths[0]}}  {kind:{widths[1]}}  {count:>{widths[2]}}  {fate:{widths[3]}}  {why}"
        for name, kind, count, fate, why in rows
    ]
