"""The command that lists the model families; it needs no PyTorch."""

from argparse import Namespace
from typing import Any

from mipp_core.models.families import MODELS


def models(_: Namespace) -> tuple[list[dict[str, Any]], list[str]]:
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
