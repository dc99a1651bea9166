"""Explore with networks other than LeNet5: what there is to choose, how long it will take, what a run shows."""

import pytest
from explore_page import level, point, seen

from mipp_core.experiments import run
from mipp_core.pruners import SMALL, pruner
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store
from mipp_core.training import Recipe
from pages.shared import live

pytestmark = pytest.mark.filterwarnings("default")

MLP = {"dataset": "mnist-sample", "model": "mlp", "method": "regressors"}


def press(app, key):
    app.button(key=key).click().run()
    assert not app.exception
    return app


def test_how_long_a_run_will_take_is_said_on_request(explore, words):
    app = explore(**MLP)
    assert "400 units" not in words(app)
    press(app, "plan")
    assert "400 units of 2 layers at 20 levels; 8,000 samples, 3 regressors per test" in words(app)


def test_where_that_is_long_the_small_setting_is_one_click(explore, words, monkeypatch):
    monkeypatch.setattr(live, "offers_small", lambda *_: True)
    live._planned.clear()
    app = press(explore(**MLP), "plan")
    press(app, "use_small")
    assert app.toggle(key="small").value
    press(app, "plan")
    assert f"{SMALL.samples:,} samples, {SMALL.members} regressors per test" in words(app)
    live._planned.clear()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"model": "vgg16"}, "vgg16 cannot read images of 28x28: use images of at least 32x32."),
        ({"model": "torchvision:resnet19"}, "There is no model called 'torchvision:resnet19'; choose one of:"),
        ({"model": "file:net.py:build@0123456789ab"}, "is only run when you name it"),
    ],
)
def test_a_network_that_cannot_be_is_one_sentence(query, sentence, explore):
    app = explore(dataset="mnist-sample", **query)
    assert not app.exception
    assert [sentence in error.value for error in app.error] == [True]


def test_any_network_of_torchvision_can_be_typed(explore, words):
    app = explore(dataset="cifar10", model="torchvision:mobilenet_v2")
    assert not app.exception
    assert not app.error
    assert "Nobody has run these settings yet" in words(app)


def test_images_that_the_network_cannot_read_are_found_out_by_the_plan(explore):
    app = press(explore(dataset="mnist-sample", model="torchvision:vgg16"), "plan")
    assert ["cannot read images of 1×28×28" in error.value for error in app.error] == [True]


def test_pretrained_weights_are_offered_where_they_fit(explore, words):
    app = explore(dataset="imagenet", model="torchvision:resnet50")
    press(app, "pretrained IMAGENET1K_V2")
    assert app.query_params["weights"] in ("IMAGENET1K_V2", ["IMAGENET1K_V2"])
    assert any("IMAGENET1K_V2 of torchvision, downloaded when the run starts" in each.value for each in app.success)
    press(app, "forget_weights")
    assert "weights" not in app.query_params
    assert not any((button.key or "").startswith("pretrained") for button in explore(**MLP).button)


@pytest.fixture(scope="module")
def residual(tmp_path_factory):
    """A real run of a residual network, one of whose blocks has no unit left, and its store."""
    spec = RunSpec(
        NetworkSpec("resnet18", widths=(3, 4, 3, 4), recipe=Recipe(0)),
        pruner="magnitude",
        settings=pruner("magnitude"),
        sparsities=(0.5, 0.85),
        retraining=Recipe(0),
    )
    store = Store(tmp_path_factory.mktemp("residual"))
    result, _ = run(spec, store)
    store.runs.record(spec, result.to_json())
    return store, result


def test_a_residual_run_shows_its_blocks_what_is_passed_by_and_the_measured_difference(
    residual, explore, words, monkeypatch
):
    store, result = residual
    monkeypatch.setenv("MIPP_STORE", str(store.root))
    app = explore(run=result.spec.hash)
    assert not app.exception
    assert "Cut network and masked dense network agree to" in words(app)
    assert "recalibrated" in seen(app)["measures"]
    passed = {layer.name for level in result.levels for layer in level.layers if layer.passed_by}
    assert passed
    level(app, 1)
    assert point(app)["passed"] == [layer.name for layer in result.levels[1].layers if layer.passed_by]
    assert ("Passed by" in words(app)) == any(layer.passed_by for layer in result.levels[1].layers)


def test_weights_other_than_the_retrained_ones_are_one_click(residual, explore, monkeypatch):
    store, result = residual
    monkeypatch.setenv("MIPP_STORE", str(store.root))
    app = explore(run=result.spec.hash)
    choice = next(group for group in app.get("button_group") if group.key == "slim_weights")
    assert [option.content for option in choice.proto.options] == ["Pruned", "Recalibrated", "Rebuilt", "Retrained"]
    app.session_state["slim_weights"] = "rebuilt"
    app.run()
    assert not app.exception
    assert [button.label for button in app.get("download_button")][:2] == ["slim.safetensors", "slim.json"]


def test_the_closed_form_has_its_plan_too(explore):
    live._planned.clear()
    app = press(explore(dataset="mnist-sample", model="mlp", method="closed form"), "plan")
    assert not app.exception
    assert "regressions on up to 300 columns" in app.info[0].value
