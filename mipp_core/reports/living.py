"""A run as the living network draws it: every point at once, as plain JSON."""

from typing import Any

import numpy as np
from torch import nn

from mipp_core.experiments.masking import schedule
from mipp_core.information.confidence import quantile
from mipp_core.models import Architecture
from mipp_core.network.guessing import example_images
from mipp_core.network.layers import wiring_of
from mipp_core.reports.in_browser import for_browser
from mipp_core.reports.level_words import asks, axis_name, between, name_of, percent
from mipp_core.reports.tables import measures_of
from mipp_core.runs.document import LevelDocument, RunDocument
from mipp_core.runs.result import accuracy_of, collapsed_layers, passed_layers
from mipp_core.runs.spec import RunSpec
from mipp_core.store.sketches import Sketch, packed_bits
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
    return packed_bits(bits)


def deciding(spec: RunSpec, sketch: Sketch, stage: str, at: int) -> dict[str, Any]:
    """Return what the view of a network is given while its units are being decided.

    Args:
        spec: of the run.
        sketch: what is decided so far; everything else is drawn as kept.
        stage: what is being done, in words.
        at: the number of the point that it opens with.
    """
    architecture, confidences = spec.network.architecture, spec.confidences or schedule()
    widths = prunable_units(architecture) | {layer: each["units"] for layer, each in sketch.items()}
    names = [INPUT] * (INPUT in sketch) + [name for name in widths if name != INPUT]
    parts = dict(architecture.sketch().named_modules())
    whole = {name: packed_bits(np.ones((len(confidences), widths[name]), dtype=bool)) for name in names}
    return {
        "name": f"{spec.hash} deciding",
        "axis": "Confidence level",
        "at": min(at, len(confidences) - 1),
        "stage": stage,
        "dense": None,
        "trained": spec.trained,
        "measures": [],
        "image": list(architecture.image_shape),
        "points": [_asked(number, confidence) for number, confidence in enumerate(confidences)],
        "layers": [
            {
                "name": name,
                "units": widths[name],
                "kind": _kind(name, parts),
                "kept": sketch[name]["kept"] if name in sketch else whole[name],
            }
            for name in names
        ],
    }


def _asked(number: int, confidence: float) -> dict[str, Any]:
    """Return a point of which nothing is measured yet."""
    return {
        "number": number,
        "named": f"Level {between(confidence)}",
        "asks": f"keep a unit only if more than {percent(confidence)} sure that it transfers information",
        "accuracy": {},
        "dead": [],
        "passed": [],
        "untrainable": False,
    }


def prunable_units(architecture: Architecture) -> dict[str, int]:
    """Return the units of every layer that can be pruned, input to output."""
    network = architecture.sketch().eval()
    images = example_images(architecture.image_shape)
    return {layer.name: layer.units for layer in wiring_of(network, images.to("meta")).layers}
