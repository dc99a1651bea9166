"""Explore with a finished run, with a named one and with none."""

import pytest
from explore_page import HERE, PLAN, labels, level, metric, point, seen
from streamlit.testing.v1 import AppTest

from mipp_core.runs.result import collapsed_layers
from mipp_core.store import Store
from pages.shared.presets import PRESETS, RUNS

pytestmark = pytest.mark.filterwarnings("default")


def test_first_paint_is_a_shipped_run(explore, words):
    app = explore()
    assert not app.exception
    assert "A shipped run" in words(app)
    assert float(metric(app, "Dense").rstrip("%")) > 98
    assert labels(app) == {}


def test_the_picture_comes_first_and_the_rest_once_the_browser_has_drawn_it(words):
    app = AppTest.from_file("../../pages/frame.py", default_timeout=60).run()
    assert not app.exception
    assert seen(app)["tells"]
    assert not app.get("plotly_chart") and not app.dataframe
    app.run()  # what the view asks for
    assert not seen(app)["tells"]
    assert app.get("plotly_chart") and app.dataframe
    assert "A shipped run" in words(app)


def test_without_a_run_it_says_so_in_one_sentence(explore, words):
    app = explore(dataset="mnist-sample", model="mlp")
    assert not app.exception
    assert "Nobody has run these settings yet" in words(app)
    assert labels(app) == {"start_run": "Start a live run", **PLAN}


def test_every_panel_follows_the_level(seeded, explore, words):
    app = explore(**HERE)
    for number in (0, 19, 7):
        level(app, number)
        assert not app.exception
        entry = seeded["levels"][number]
        assert metric(app, "Units removed") == f"{entry['sparsity']:.1%}"
        assert metric(app, "Retrained") == f"{entry['accuracy_retrained']:.2%}"
        assert point(app)["named"] == f"Level {number}"
        assert point(app)["dead"] == collapsed_layers(entry)
        assert ("Layer collapse" in words(app)) == bool(collapsed_layers(entry))


def test_older_documents_have_neither_recalibrated_accuracies_nor_a_difference(seeded, runs, address, explore, words):
    for entry in seeded["levels"]:
        del entry["accuracy_recalibrated"], entry["cut_difference"]
    runs.publish(address().hash, seeded)
    app = explore(**HERE)
    assert "recalibrated" not in seen(app)["measures"]
    assert not app.exception
    assert "masked dense network" not in words(app)


def test_recalibrated_accuracies_and_the_difference_are_shown_where_they_are(seeded, runs, address, explore, words):
    for entry in seeded["levels"]:
        entry["accuracy_recalibrated"], entry["cut_difference"] = 0.5 + entry["level"] / 100, 3e-7
    runs.publish(address().hash, seeded)
    app = explore(**HERE, compare="true")
    level(app, 7)
    assert not app.exception
    assert metric(app, "Recalibrated") == "57.00%"
    assert "Cut network and masked dense network agree to 6 digits (64 test images)." in words(app)
    assert any("Recalibrated" in table.value.columns for table in app.dataframe)


def test_a_finished_run_offers_its_files_and_nothing_to_start(seeded, explore, words):
    app = explore(**HERE)
    names = [button.label for button in app.get("download_button")]
    assert names == ["slim.safetensors", "slim.json", "Curve (CSV)", "Run (JSON)"]
    assert "A run on this machine" in words(app)
    assert labels(app) == {}


def test_without_its_weights_a_run_offers_figures_only(seeded, own_store, explore):
    blobs = Store(own_store).blobs
    for name in blobs.sizes():
        blobs.delete(name)
    app = explore(**HERE)
    assert not app.exception
    assert [button.label for button in app.get("download_button")] == ["Curve (CSV)", "Run (JSON)"]


def test_other_seeds_are_named_under_the_curve(seeded, finished, address, explore, words):
    assert "Thin lines" not in words(explore(**HERE))
    finished(address(seed=2))
    finished(address(seed=4))
    assert "Thin lines: the same with seed 2, 4." in words(explore(**HERE))


def test_collapse_names_the_layer_and_the_level(seeded, runs, address, explore, words):
    for entry in seeded["levels"][12:]:
        entry["layers"][2].update(kept=0, kept_units=[], pruning_ratio=1.0, collapsed=True)
    for entry in seeded["levels"][:12]:
        entry["untrainable"] = False
        entry["layers"][2].update(kept=1, kept_units=[0], pruning_ratio=0.9, collapsed=False)
    for entry in seeded["levels"]:
        entry["layers"][1].update(kept=1, kept_units=[0], pruning_ratio=0.9, collapsed=False)
    runs.publish(address().hash, seeded)
    app = explore(**HERE, level="15")
    assert point(app)["dead"] == ["fc2"]
    assert "Layer collapse: **fc2 has no unit left** since level 12." in words(app)
    level(app, 3)
    assert point(app)["dead"] == []
    assert "First collapse: fc2 at level 12." in words(app)


@pytest.mark.parametrize(
    "query",
    [
        {"level": "99"},
        {"level": "NaN", "seed": "-5"},
        {"dataset": "../../etc", "start": "never"},
        {"deformation": "1e999", "budget": "x", "estimate_size": "0", "collapse": "l7", "pixels": "maybe"},
        {"reference": "\x00", "axis": "none", "compare": "yes", "unknown": "1" * 5000},
    ],
)
def test_rubbish_in_the_address_is_harmless(query, explore):
    app = explore(**query)
    assert not app.exception
    assert metric(app, "Dense")


def test_presets_set_the_controls(explore, words):
    app = explore()
    app.button(key="preset LeNet5 at initialisation").click().run()
    assert not app.exception
    assert app.session_state["start"] == "at initialisation"
    assert not seen(app)["trained"]
    app.button(key="preset Trained LeNet5").click().run()
    assert "A shipped run" in words(app)


def test_what_was_looked_at_is_kept_in_mind(explore, words):
    app = explore(level="12")
    assert "What you looked at" not in words(app)
    app.button(key="preset LeNet5 at initialisation").click().run()
    app.button(key="preset ResNet20").click().run()
    assert not app.exception
    table = next(each.value for each in app.dataframe if "Curve" in each.value)
    assert [row[0] for row in table.What] == ["resnet20", "lenet5", "lenet5"]
    assert table.Level.iloc[2] == 12
    assert all(0 < value < 1 for value in table.Accuracy)
    assert table.Curve.map(len).iloc[2] == 20


@pytest.mark.parametrize("name", [*PRESETS, *RUNS])
def test_every_preset_opens_a_shipped_result(name, explore, words):
    app = explore(level="3")
    app.button(key=f"preset {name}").click().run()
    assert not app.exception
    assert "A shipped run" in words(app)
    assert "level" not in app.query_params, "it opens where it is best"


def test_a_named_run_is_shown_with_its_chips_and_a_way_back(finished, address, explore, words):
    spec = address(seed=3, budget=0.01)
    document = finished(spec)
    app = explore(run=spec.hash)
    assert not app.exception
    for chip in ("mlp", "mnist-sample", "trained", "mipp", "budget 0.01", "pixels", "seed 3"):
        assert f":gray-badge[{chip}]" in words(app)
    assert metric(app, "Dense") == f"{document['dense_accuracy']:.2%}"
    assert not app.selectbox
    assert labels(app) == {"back": "Back to the settings"}
    app.button(key="back").click().run()
    assert not app.exception
    assert "run" not in app.query_params
    assert app.selectbox(key="model").value == "lenet5"


@pytest.mark.parametrize("name", ["0123456789abcdef", "../../etc/passwd", "<script>alert(1)</script>", "x" * 5000])
def test_an_unknown_name_is_one_sentence(name, explore):
    app = explore(run=name)
    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.startswith(f"This machine has no run called {name[:20]!r}")
    assert labels(app) == {"back": "Back to the settings"}
    assert seen(app) is None


def test_a_run_of_another_version_is_one_sentence(written_by_another_version, address, explore):
    app = explore(run=written_by_another_version(address()))
    assert not app.exception
    assert len(app.error) == 1


def test_a_store_that_cannot_be_opened_is_one_sentence(own_store, explore):
    own_store.write_text("")
    app = explore()
    assert not app.exception
    assert [error.value.partition(" (")[0] for error in app.error] == [f"{own_store} cannot be written"]
