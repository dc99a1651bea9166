import json
import time

import pytest
from streamlit.testing.v1 import AppTest

from mipp_core.experiments import NetworkSpec, RunSpec, Store, run
from mipp_core.experiments.archive import save_run
from mipp_core.experiments.result import collapsed_layers
from mipp_core.experiments.store import write_json
from mipp_core.pruners import Mipp
from mipp_core.training import RECIPES
from pages.shared import live

pytestmark = pytest.mark.filterwarnings("default")


def page(**query):
    app = AppTest.from_file("../../app.py", default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def words(app):
    parts = [*app.caption, *app.error, *app.info, *app.warning, *app.markdown]
    return " ".join(str(part.value) for part in parts)


def metric(app, label):
    return next(m.value for m in app.metric if m.label == label)


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """A real, small run, shown at the address of the default settings on the sample."""
    settings = Mipp(members=2, hidden=(16,), fit_steps=40, unit_steps=2, rank_steps=2, samples=400, pixels=True)
    recipe = RECIPES["none"]
    spec = RunSpec(NetworkSpec("mlp", widths=(10, 8), recipe=recipe), settings=settings, retraining=recipe)
    return run(spec, Store(tmp_path_factory.mktemp("made")))


def address(**changed):
    """Return the run that the page looks for when MLP and pixels are chosen on the sample."""
    network = NetworkSpec("mlp", recipe=RECIPES["live"])
    return RunSpec(network, settings=Mipp(pixels=True, **changed), controls=("random", "magnitude"))


@pytest.fixture
def seeded(small_run, own_store):
    result, weights = small_run
    folder = Store(own_store).run(address().hash)
    save_run(folder, result, weights)
    write_json(folder / "progress.json", {"state": "done", "stage": "", "done": 1.0, "since": time.time()})
    return result.to_json()


def test_first_paint_is_a_shipped_run():
    app = page()
    assert not app.exception
    assert "A shipped run" in words(app)
    assert float(metric(app, "Dense").rstrip("%")) > 98
    assert [button.label for button in app.button if button.key == "start_run"] == []


def test_without_a_run_it_says_so_in_one_sentence():
    app = page(dataset="mnist-sample", model="mlp")
    assert not app.exception
    assert "Nobody has run these settings yet" in words(app)
    assert [button.key for button in app.button if button.key == "start_run"]


def test_every_panel_follows_the_level(seeded):
    app = page(dataset="mnist-sample", model="mlp", pixels="true")
    for level in (0, 19, 7):
        app.slider(key="level").set_value(level).run()
        assert not app.exception
        entry = seeded["levels"][level]
        assert metric(app, "Units removed") == f"{entry['sparsity']:.1%}"
        assert metric(app, "Retrained") == f"{entry['accuracy_retrained']:.2%}"
        assert f"{entry['layers'][0]['kept']} of 784 pixels kept" in words(app)
        assert ("Layer collapse" in words(app)) == bool(collapsed_layers(entry))


def test_collapse_names_the_layer_and_the_level(seeded, own_store):
    seeded = json.loads(json.dumps(seeded))
    for level in seeded["levels"][12:]:
        level["layers"][2].update(kept=0, kept_units=[], pruning_ratio=1.0, collapsed=True)
    for level in seeded["levels"][:12]:
        level["untrainable"] = False
        level["layers"][2].update(kept=1, kept_units=[0], pruning_ratio=0.9, collapsed=False)
        level["layers"][1].update(kept=1, kept_units=[0], pruning_ratio=0.9, collapsed=False)
    write_json(Store(own_store).run(address().hash) / "run.json", seeded)
    app = page(dataset="mnist-sample", model="mlp", pixels="true", level="15")
    assert any("fc2 has no unit left** since level 12" in error.value for error in app.error)
    app.slider(key="level").set_value(3).run()
    assert not app.error
    assert "fc2 at level 12" in words(app)


@pytest.mark.parametrize(
    "query",
    [
        {"level": "99"},
        {"level": "NaN", "seed": "-5"},
        {"model": "<script>", "dataset": "../../etc", "start": "never"},
        {"deformation": "1e999", "budget": "x", "estimate_size": "0", "collapse": "l7", "pixels": "maybe"},
        {"reference": "\x00", "axis": "none", "compare": "yes", "unknown": "1" * 5000},
    ],
)
def test_rubbish_in_the_address_is_harmless(query):
    app = page(**query)
    assert not app.exception
    assert metric(app, "Dense")


def test_presets_set_the_controls():
    app = page()
    app.button(key="preset MLP, live").click().run()
    assert not app.exception
    assert (app.selectbox(key="model").value, app.selectbox(key="dataset").value) == ("mlp", "mnist-sample")
    app.button(key="preset Trained LeNet5").click().run()
    assert "A shipped run" in words(app)


def test_a_failed_run_is_a_sentence_and_can_be_started_again(own_store):
    folder = Store(own_store).run(address().hash)
    known = {"state": "failed", "stage": "Testing", "done": 0.1, "since": time.time(), "message": "The disk is full."}
    write_json(folder / "progress.json", known)
    app = page(dataset="mnist-sample", model="mlp", pixels="true")
    assert [error.value for error in app.error] == ["The disk is full."]
    assert [button.key for button in app.button if button.key == "start_run"]


def test_a_run_that_goes_on_shows_progress_and_cancel(own_store):
    folder = Store(own_store).run(address().hash)
    known = {"state": "running", "stage": "Testing fc1", "done": 0.4, "since": time.time() - 40, "message": ""}
    write_json(folder / "progress.json", known)
    (folder / "heartbeat").touch()
    app = page(dataset="mnist-sample", model="mlp", pixels="true")
    assert not app.exception
    app.button(key="cancel").click().run()
    assert (folder / "cancel").exists()


@pytest.mark.parametrize(("seconds", "said"), [(30, "30 s"), (600, "10 min")])
def test_duration_in_words(seconds, said):
    assert live._duration(seconds) == said
