"""What can be pruned, at Explore: closed until it is asked for, one table, or one sentence."""

import pytest
from explore_page import HERE

from mipp_core.cutting.inspection import inspect
from mipp_core.errors import ModelError
from mipp_core.models import architecture
from mipp_core.network.guessing import example_images
from pages.explore import prunable

pytestmark = pytest.mark.filterwarnings("default")

OPEN = {"dataset": "mnist-sample", "prunable": "true"}


def table(app):
    assert not app.exception
    (found,) = app.dataframe
    return found.value


def test_a_closed_panel_looks_at_no_network(explore, monkeypatch):
    prunable._inspected.clear()
    asked = []
    monkeypatch.setattr(prunable, "inspect", lambda *given: asked.append(given))
    app = explore(dataset="mnist-sample", model="mlp")
    assert [box.label for box in app.expander if box.label == "What can be pruned"] == ["What can be pruned"]
    assert not app.dataframe
    assert not asked


def test_a_network_shows_its_sentence_and_one_row_per_layer(explore, words):
    app = explore(model="mlp", **OPEN)
    rows = table(app)
    assert list(rows.columns[:3]) == ["name", "fate", "why"]
    assert rows[["name", "fate"]].to_numpy().tolist() == [["fc1", "pruned"], ["fc2", "pruned"], ["fc3", "whole"]]
    assert rows.why.tolist()[-1] == "the network's answer is made of its units"
    assert "2 layers can be pruned, 0 parts go with their units, 1 stays whole." in words(app)


def test_what_is_shown_is_what_the_network_itself_gives(explore, words):
    wanted = architecture("resnet18", (1, 28, 28), 10)
    found = inspect(wanted.build(0).eval(), example_images(wanted.image_shape))
    app = explore(model="resnet18", **OPEN)
    rows = table(app)
    assert rows.to_dict("records") == [
        {name: getattr(row, name) for name in ("name", "fate", "why", "parameters", "kind")} for row in found.rows
    ]
    assert {"pruned", "goes with", "whole"} == set(rows.fate)
    assert "it carries a residual stream past a block" in set(rows.why)
    assert all(sentence in words(app) for sentence in found.words())


def test_another_network_is_another_table(explore):
    app = explore(model="mlp", **OPEN)
    app.selectbox(key="model").set_value("lenet5").run()
    assert table(app).name.tolist() == ["conv1", "conv2", "fc1", "fc2", "fc3"]


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("torchvision:alexnet", "torchvision:alexnet cannot read images of 1×28×28"),
        ("torchvision:vgg16", "torchvision:vgg16 cannot read images of 1×28×28"),
    ],
)
def test_a_network_that_cannot_be_followed_is_one_sentence(model, sentence, explore):
    app = explore(model=model, **OPEN)
    assert not app.exception
    assert not app.dataframe
    assert [sentence in error.value for error in app.error] == [True]
    assert app.button(key="start_run")


def test_a_refusal_is_kept_as_well(explore, monkeypatch):
    prunable._inspected.clear()
    asked = []

    def refuse(*given):
        asked.append(given)
        raise ModelError("This network's answers are random; make it deterministic before pruning.")

    monkeypatch.setattr(prunable, "inspect", refuse)
    app = explore(model="mlp", **OPEN)
    app.run()
    assert [error.value for error in app.error] == [
        "This network's answers are random; make it deterministic before pruning."
    ]
    assert len(asked) == 1
    prunable._inspected.clear()


def test_a_finished_run_shows_what_was_pruned_instead(seeded, explore):
    app = explore(prunable="true", **HERE)
    assert not app.exception
    assert not [box for box in app.expander if box.label == "What can be pruned"]
