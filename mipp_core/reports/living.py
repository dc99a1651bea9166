"""A run as the living network draws it: every point at once, as plain JSON."""

import base64
from typing import Any

import numpy as np
from torch import nn

from mipp_core.information.confidence import quantile
from mipp_core.models import Architecture
from mipp_core.reports.in_browser import for_browser
from mipp_core.reports.level_words import asks, axis_name, name_of
from mipp_core.reports.tables import measures_of
from mipp_core.runs.document import LevelDocument, RunDocument
from mipp_core.runs.result import accuracy_of, collapsed_layers, passed_layers
from mipp_core.runs.spec import RunSpec
from mipp_core.vocabulary import INPUT


def living(document: RunDocument, at: int) -> dict[str, Any]:
    """Return what the view of a network is given.

    Args:
        document: the run, as far as it has got.
        at: the number of the point that it opens with.

    Returns:
        ``points``, in order, each with its name, shares in [0, 1] and accuracies in [0, 1] or None; ``layers``, input
        to output, each with a bit per point and unit, 1 = kept, packed as base64; and what is the same at all points.
    """
    spec = RunSpec.from_json(document["spec"])
    numbers = [entry["level"] for entry in document["levels"]]
    measures = measures_of(document) if spec.trained else ("retrained",)
    return {
        "name": document["hash"],
        "axis": axis_name(document),
        "at": numbers.index(at),
        "dense": document["dense_accuracy"],
        "trained": spec.trained,
        "measures": list(measures),
        "image": list(spec.network.architecture.image_shape),
        "replays": bool(document["decisions"]) and document["levels"][0]["confidence"] is not None,
        "digits": for_browser(spec.network),
        "points": [_point(document, entry, measures) for entry in document["levels"]],
        "layers": _layers(document["levels"], spec.network.architecture),
    }


def _point(document: RunDocument, entry: LevelDocument, measures: tuple[str, ...]) -> dict[str, Any]:
    return {
        "number": entry["level"],
        "needed": None if entry["confidence"] is None else quantile(entry["confidence"]),
        "named": name_of(document, entry["level"]),
        "asks": asks(document, entry["level"]),
        "units": entry["sparsity"],
        "parameters": 1 - entry["parameters"] / document["parameters"],
        "macs": 1 - entry["macs"] / document["macs"],
        "smaller": document["parameters"] / entry["parameters"] if entry["parameters"] else None,
        "accuracy": {name: accuracy_of(entry, name) for name in measures},
        "dead": collapsed_layers(entry),
        "passed": passed_layers(entry),
        "untrainable": bool(entry["untrainable"]),
    }


def _layers(levels: list[LevelDocument], architecture: Architecture) -> list[dict[str, Any]]:
    parts = dict(architecture.sketch().named_modules())
    return [
        {
            "name": layer["name"],
            "units": layer["units"],
            "kind": _kind(layer["name"], parts),
            "kept": _packed([entry["layers"][place]["kept_units"] for entry in levels], layer["units"]),
        }
        for place, layer in enumerate(levels[0]["layers"])
    ]


def _kind(name: str, parts: dict[str, nn.Module]) -> str:
    """Return what a layer's units are called: one of them."""
    if name == INPUT:
        return "pixel"
    return "neuron" if isinstance(parts.get(name), nn.Linear) else "filter"


def _packed(kept: list[list[int]], units: int) -> str:
    bits = np.zeros((len(kept), units), dtype=bool)
    for row, stays in zip(bits, kept, strict=True):
        row[stays] = True
    return base64.b64encode(np.packbits(bits).tobytes()).decode()
