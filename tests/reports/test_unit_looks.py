"""One unit looked into: against least squares done by hand, completeness of attributions, and the run's own trace."""

import pandas as pd
import pytest
import torch

from mipp_core.checkpoints.fitting import load
from mipp_core.experiments.networks import initial_network
from mipp_core.figures.units import answer_picture, gain_dots, layer_scatter, stand_in_bars, weight_picture
from mipp_core.information.confidence import quantile
from mipp_core.reports.archive import SHIPPED, load_run
from mipp_core.reports.in_browser import images_at_hand
from mipp_core.reports.networks import shipped_dense
from mipp_core.reports.unit_looks import look, pixels_that_drive, stand_ins, trial
from mipp_core.runs import RunSpec, entry_of

DOCUMENT = load_run(SHIPPED / "trained-0")
UNITS = {"conv1": 6, "conv2": 16, "fc1": 120, "fc2": 84}


@pytest.fixture(scope="module")
def subject():
    network = RunSpec.from_json(DOCUMENT["spec"]).network
    model = initial_network(network)
    load(model, shipped_dense(network))
    images = images_at_hand(network).test.in_memory()
    return model, images.take(torch.arange(40))


@pytest.fixture(scope="module")
def seen(subject):
    return look(*subject)


def test_answers_are_what_the_next_layer_reads(subject, seen):
    model, images = subject
    maps = model.pool1(model.relu1(model.conv1(images.images)))
    assert torch.equal(seen.answers["conv1"], maps.flatten(2).movedim(1, 2).reshape(-1, 6))
    assert seen.answers["fc2"].shape == (40, 84)
    assert torch.equal(seen.weights["fc1"], model.fc1.weight)
    assert {name: len(found) for name, found in seen.conductance.items()} == UNITS


def test_a_mixture_of_kept_units_is_made_up_for_exactly():
    rows = torch.randn(200, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows[:, 3] = 2 * rows[:, 0] - rows[:, 2] + 7
    kept = torch.tensor([True, False, True, True])
    coefficients, share = stand_ins(rows, kept, 3)
    scale = rows.std(0, correction=0)
    wanted = torch.tensor([2.0, 0.0, -1.0, 0.0], dtype=torch.float64) * scale / scale[3]
    assert torch.allclose(coefficients, wanted, atol=1e-10)
    assert share == pytest.approx(1)


def test_what_others_do_not_know_is_not_made_up_for():
    rows = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    _, share = stand_ins(rows, torch.tensor([True, True, False]), 2)
    assert share < 0.01
    coefficients, share = stand_ins(rows, torch.tensor([False, False, True]), 2)
    assert not coefficients.any(), "a unit is no stand-in for itself"
    assert share < 0.01


def test_what_drives_a_unit_adds_up_to_its_answers(subject):
    model, images = subject
    driving = pixels_that_drive(model, images, "fc2", 3)
    with torch.no_grad():
        answers = [model[:-1](each)[:, 3].mean() for each in (images.images, torch.zeros_like(images.images))]
    assert driving.shape == (28, 28)
    assert float(driving.sum()) == pytest.approx(float(answers[0] - answers[1]), rel=0.05)


def test_the_test_that_decided_is_the_one_of_the_level():
    entry = entry_of(DOCUMENT, 15)
    kept = set(next(layer for layer in entry["layers"] if layer["name"] == "fc1")["kept_units"])
    found = {unit: trial(DOCUMENT, "fc1", unit, 15) for unit in range(120)}
    assert {unit for unit, test in found.items() if test and test["kept"]} == kept
    for test in filter(None, found.values()):
        assert test["kept"] == (test["z"] > quantile(entry["confidence"]))
        assert len(test["gains"]) == 3


def test_a_pruner_that_ranks_has_no_tests():
    assert trial({**DOCUMENT, "decisions": {}}, "fc1", 0, 15) is None


def test_figures_take_every_kind_of_unit(seen):
    for layer, shape in (("conv1", None), ("conv2", None), ("fc1", (5, 5)), ("fc2", None)):
        assert len(weight_picture(seen.weights[layer][0], shape).data) == 1
        maps = seen.pictures.maps[layer][:, 0]
        assert answer_picture(seen.pictures.images[: len(maps), 0], maps).data[0].z is not None
    assert list(stand_in_bars(torch.tensor([0.1, 0.0, -0.5])).data[0].y) == ["unit 0", "unit 2"]
    dots = gain_dots([0.1, 0.2, 0.3], 0.05, 2.0)
    assert dots.data[1].x[0] == pytest.approx(0.2)
    assert dots.layout.shapes[0].x0 == pytest.approx(0.1)


def test_a_layers_units_are_filled_where_kept():
    table = pd.DataFrame({"unit": [0, 1, 2], "kept": [True, False, True], "conductance": [1.0, 2.0, 3.0]})
    figure = layer_scatter(table, 1, "unit")
    assert [list(trace.x) for trace in figure.data] == [[0, 2], [1], [1]]
