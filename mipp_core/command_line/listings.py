"""Commands that list a registry."""

from argparse import Namespace
from dataclasses import asdict
from typing import Any

from mipp_core.data import DATASETS
from mipp_core.models import MODELS
from mipp_core.pruners import PRUNERS

Answer = tuple[Any, list[str]]
"""The JSON document, and the same for people."""


def models(_: Namespace) -> Answer:
    """List the model families."""
    document = [
        {"name": name, "description": card.description, "layers": card.layers, "widths": card.widths}
        for name, card in MODELS.items()
    ]
    return document, [f"{name:16}{card.description}" for name, card in MODELS.items()]


def datasets(_: Namespace) -> Answer:
    """List the datasets."""
    wanted = ("name", "description", "classes", "image_shape", "train_size", "test_size", "download")
    document = [{key: getattr(card, key) for key in wanted} for card in DATASETS.values()]
    return document, [f"{name:16}{card.description}" for name, card in DATASETS.items()]


def pruners(_: Namespace) -> Answer:
    """List the pruners with their default settings."""
    document = [
        {"name": name, "description": _first_line(kind), "needs": sorted(kind.needs), "settings": asdict(kind())}
        for name, kind in PRUNERS.items()
    ]
    return document, [f"{name:16}{_first_line(kind)}" for name, kind in PRUNERS.items()]


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").splitlines()[0]
