"""A run as the living network draws it."""

import base64
import json
from copy import deepcopy

import numpy as np
import pytest

from mipp_core.reports.archive import SHIPPED, load_run
from mipp_core.reports.level_words import axis_name, best_point, called, name_of
from mipp_core.reports.living import living
from mipp_core.runs import entry_of

NAMES = ["trained-0", "closed-pixels-0", "untrained-0", "closed-resnet20-0", "fashion-0"]


@pytest.fixture(params=NAMES)
def document(request):
    return load_run(SHIPPED / request.param)


def bits(layer, points):
    """Unpack a layer's bits as a row per point."""
    packed = np.frombuffer(base64.b64decode(layer["kept"]), dtype=np.uint8)
    return np.unpackbits(packed)[: points * layer["units"]].reshape(points, layer["units"])


def test_every_unit_of_every_point_is_there(document):
    given = living(document, document["levels"][0]["level"])
    for place, layer in enumerate(given["layers"]):
        for row, entry in zip(bits(layer, len(document["levels"])), document["levels"], strict=True):
            assert np.flatnonzero(row).tolist() == entry["layers"][place]["kept_units"]


def test_points_have_the_figures_of_their_levels(document):
    given = living(document, document["levels"][-1]["level"])
    assert given["at"] == len(document["levels"]) - 1
    for point, entry in zip(given["points"], document["levels"], strict=True):
        assert point["units"] == entry["sparsity"]
        assert point["smaller"] == document["parameters"] / entry["parameters"]
        assert point["accuracy"]["retrained"] == entry["accuracy_retrained"]
        assert point["number"] == entry["level"]
    json.dumps(given, allow_nan=False)


def test_units_are_called_what_they_are():
    kinds = {layer["name"]: layer["kind"] for layer in living(load_run(SHIPPED / "pixels-0"), 0)["layers"]}
    assert kinds == {"input": "pixel", "conv1": "filter", "conv2": "filter", "fc1": "neuron", "fc2": "neuron"}


def test_it_opens_with_the_smallest_network_within_a_point(document):
    best = entry_of(document, best_point(document))
    dense = document["dense_accuracy"]
    near = [entry for entry in document["levels"] if entry["accuracy_retrained"] >= dense - 0.01]
    assert best["accuracy_retrained"] >= dense - 0.01
    assert best["parameters"] == min(entry["parameters"] for entry in near)


def test_while_accuracies_are_missing_it_opens_in_the_middle():
    document = deepcopy(load_run(SHIPPED / "trained-0"))
    document["levels"][19]["accuracy_retrained"] = None
    assert best_point(document) == 10
    for entry in document["levels"]:
        entry["accuracy_retrained"] = 0.1
    assert best_point(document) == 10


def test_points_are_named_by_what_they_are():
    trained, few = load_run(SHIPPED / "trained-0"), load_run(SHIPPED / "fashion-0")
    assert (axis_name(trained), name_of(trained, 7), called(trained, 7)) == ("Confidence level", "Level 7", "level 7")
    assert name_of(few, 9) == "Level 9", "also where only some levels were measured"
