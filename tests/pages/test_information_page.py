"""The page Information: Theorem 1 on the shipped network, and estimators asked as a control moves."""

import base64

import pytest

from mipp_core.playground import estimators as core
from mipp_core.playground.known import DISTRIBUTIONS
from mipp_core.playground.theorem import ORDERS, POINTS
from mipp_core.reports.information import shipped_information
from pages.information.estimators import crossing_said, strongest_said
from pages.information.theorem import equality_said, measured, samples_said
from pages.information.theorem_view import seen


@pytest.fixture
def quickly(monkeypatch):
    """Perceptrons are trained for a few steps: what is tested is what is shown."""
    monkeypatch.setattr(core, "STEPS", 5)


def test_it_opens_with_the_theorem_on_the_shipped_network(information, words):
    app = information()
    assert not app.exception
    assert not app.error
    found = measured("fc1", 4000, 0)
    assert equality_said(found) in words(app)
    assert samples_said(found) in words(app)
    assert f"{shipped_information()['dense']['accuracy']:.1%} right" in words(app)
    table = app.dataframe[0].value
    assert list(table["XOR"]) == ["100%", "0%", "100%", "0.69"]


def test_the_view_is_given_every_order_and_one_cloud():
    found = measured("conv1", 250, 0)
    given = seen(found, "random")
    assert (given["reader"], given["units"], given["order"]) == ("conv2", 6, "random")
    assert list(given["orders"]) == list(ORDERS)
    for curve in given["orders"].values():
        assert {len(curve[key]) for key in ("fitted", "held", "nats", "accuracy")} == {7}
        assert "cloud" not in curve
    assert len(given["true"]) == POINTS
    assert given["cloud"] == found["orders"]["random"]["cloud"]
    assert given["cloud"]["shape"] == [7, POINTS]
    codes = base64.b64decode(given["cloud"]["bytes"])
    assert len(codes) == 7 * POINTS
    assert max(abs(code - true) for code, true in zip(codes, given["true"], strict=False)) <= 1  # nothing removed


def test_what_breaks_is_told_from_the_figures():
    def order(free, cheap, held, fitted):
        return {"free": free, "cheap": cheap, "held": held, "fitted": fitted}

    found = {"units": 2, "layer": "fc1", "reader": "fc2", "images": 60}
    lossy = {"orders": {name: order(0, 0, [0.2, 0.3, 1.0], [0.0, 0.125, 1.0]) for name in ORDERS}}
    fine = {"orders": {name: order(1, 1, [0.0, 0.005, 1.0], [0.0, 0.004, 1.0]) for name in ORDERS}}
    assert "none can go without a loss" in equality_said({**found, **lossy})
    assert "no unit can go." in equality_said({**found, **lossy})
    assert "1 can go before anything is lost" in equality_said({**found, **fine})
    assert "less than 1% of fc2's variance lost on held-out images, 1 (MIPP), 1 (ascending MI)" in equality_said(
        {**found, **fine}
    )
    assert "12.50% of the variance is lost on those and 30.00% on others" in samples_said({**found, **lossy})


def test_a_button_shows_what_few_images_do(information, words):
    app = information(layer="fc2")
    app.button(key="few").click().run()
    assert not app.exception
    assert app.button_group(key="layer").value == "conv2"
    assert "Fitted on 60 training images" in words(app)
    assert samples_said(measured("conv2", 60, 0)) in words(app)


def test_controls_of_the_theorem_are_in_the_address(information, words):
    app = information(layer="fc2", order="random", images="250", seed="3")
    assert not app.exception
    assert equality_said(measured("fc2", 250, 3)) in words(app)
    assert app.button_group(key="order").value == "random"


@pytest.mark.parametrize("look", ["theorem", "estimators", "nothing"])
def test_rubbish_in_the_address_does_no_harm(information, quickly, look):
    rubbish = {"layer": "fc9", "order": "up", "images": "many", "seed": "-4"}
    app = information(look=look, **rubbish, pair="square", strength="7", n="12", draw="x")
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("pair", DISTRIBUTIONS)
def test_every_pair_is_asked_and_has_shipped_readings(information, quickly, words, pair):
    app = information(look="estimators", pair=pair, strength="0.6", n="200", draw="2")
    assert not app.exception
    assert f"**I(x; y) = {DISTRIBUTIONS[pair].truth(0.6):.3f} nats.**" in words(app)
    table = app.dataframe[0].value
    discrete = DISTRIBUTIONS[pair].table is not None
    assert ("Counting" in table.index) == discrete
    assert ("Tends to" in table.columns) == (discrete or DISTRIBUTIONS[pair].dimension > 0)
    x, y = DISTRIBUTIONS[pair].drawn(0.6, 200, 2)
    assert table["Reads"]["Closed form"] == core.ESTIMATORS["closed-form"].estimate((x, y), discrete, 2)
    document = shipped_information()["pairs"][pair]
    assert crossing_said(document) in words(app)
    assert strongest_said(document) in words(app)
    assert f"{document['device']}, PyTorch {document['versions']['torch']}" in words(app)


def test_a_moved_control_asks_anew(information, quickly, words):
    app = information(look="estimators", pair="gaussian", n="100")
    before = app.dataframe[0].value["Reads"]["Nearest neighbours"]
    app.slider(key="strength").set_value(0.2).run()
    assert not app.exception
    assert app.dataframe[0].value["Reads"]["Nearest neighbours"] < before
    assert "0.020 nats" in words(app)


def test_too_many_samples_for_renyi_are_told(information, quickly, words):
    app = information(look="estimators", pair="xor", n="5000")
    assert not app.exception
    assert "Rényi, α = 1.01 (1,000), Rényi, α = 2 (2,000)." in words(app)
    assert not any("Rényi" in name for name in app.dataframe[0].value.index)


def test_what_is_said_of_readings_is_computed():
    document = shipped_information()["pairs"]["ring"]
    changed = {**document, "points": [_exact(point) for point in document["points"]]}
    assert "Closed form right to 0.01 nats" in crossing_said(changed)
    assert crossing_said(changed) != crossing_said(document)
    assert "furthest, 0.00" in strongest_said(changed)


def _exact(point):
    estimates = {name: {**each, "nats": [point["truth"]] * 5} for name, each in point["estimates"].items()}
    return {**point, "estimates": estimates}
