"""The page CMI: a shipped run with no click, open questions with their answers, controls that the address holds."""

import base64

import pytest
import torch
from explore_page import metric

from mipp_core.pruners.cmi_trace import Examined
from mipp_core.reports.cmi_questions import QUESTIONS, USUAL, own_cut, trained
from pages.shared import finding
from pages.shared.order_view import seen

USUAL_RUN = own_cut(trained("lenet5", "mnist-sample"), USUAL)


def figures(app):
    """Return figures as the living network writes them."""
    return {label: metric(app, label) for label in ("Units removed", "Dense", "Rebuilt", "Retrained")}


def test_it_opens_with_a_shipped_run(cmi, words):
    app = cmi()
    assert not app.exception
    level = finding.find(USUAL_RUN).document["levels"][0]
    shown = figures(app)
    assert shown["Units removed"] == f"{level['sparsity']:.1%}"
    assert shown["Rebuilt"] == f"{level['accuracy_rebuilt']:.2%}"
    assert shown["Retrained"] == f"{level['accuracy_retrained']:.2%}"
    assert "A shipped run: lenet5 on mnist-sample, seed 0" in words(app)
    assert "--pruner cmi" in app.code[0].value


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_has_a_shipped_answer_and_a_button_per_run(cmi, name):
    app = cmi()
    app.button_group(key="question").set_value(name).run()
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table.index) == list(QUESTIONS[name].variants)
    for spec in QUESTIONS[name].variants.values():
        assert finding.find(spec).document["orders"]["pictures"]
    last = list(QUESTIONS[name].variants)[-1]
    app.button(key=f"show {last}").click().run()
    assert not app.exception
    level = finding.find(QUESTIONS[name].variants[last]).document["levels"][0]
    assert figures(app)["Units removed"] == f"{level['sparsity']:.1%}"


def test_the_answers_are_of_three_seeds_and_say_no_more_than_their_spread_allows(cmi, words):
    app = cmi()
    app.button_group(key="question").set_value("width").run()
    assert "Test accuracies, mean over 3 seeds." in words(app)
    narrow = app.dataframe[0].value.loc["σ × 0.01"]
    assert narrow.Saturated == "4 of 4", "a hundredth of the width saturates every layer"


def test_settings_that_nobody_has_run_keep_the_last_run_greyed(cmi, words, calls_for_workers):
    app = cmi(at_once="false")
    before = figures(app)
    app.number_input(key="seed").set_value(77).run()
    assert not app.exception
    assert "Below is still the run from before." in words(app)
    assert figures(app) == before
    assert app.button(key="start_run").label == "Start a live run"


def test_the_address_sets_the_controls_and_rubbish_in_it_does_no_harm(cmi):
    app = cmi(alpha="0.5", cut_off="x-means", width="nonsense", seed="-3", layer="fc9")
    assert not app.exception
    assert app.select_slider(key="alpha").value == 0.5
    assert app.selectbox(key="cut_off").value == "x-means"
    assert app.selectbox(key="width").value == "shared"
    assert app.number_input(key="seed").value == 0


def test_the_view_is_given_the_order_its_curves_and_every_units_map():
    examined = Examined.from_json(finding.find(USUAL_RUN).document["orders"])
    for cut in examined.layers:
        data = seen("run", examined, cut.layer)
        units = len(cut.ordering.order)
        assert sorted(data["order"]) == list(range(units))
        assert [len(data[key]) for key in ("cmi", "mutual", "joint", "ratios")] == [units + 1] * 4
        assert data["kept"] in data["tried"]
        assert max(ratio for ratio in data["ratios"] if ratio is not None) == data["ratios"][data["tried"][0]]
        maps = data["pictures"]["maps"]
        raw = torch.frombuffer(bytearray(base64.b64decode(maps["bytes"])), dtype=torch.uint8).reshape(maps["shape"])
        assert torch.equal(raw, examined.pictures.maps[cut.layer])
        assert maps["shape"][:2] == [10, units]


def test_a_run_without_pictures_is_shown_without_them():
    document = finding.find(USUAL_RUN).document["orders"]
    examined = Examined.from_json({**document, "pictures": None})
    assert seen("run", examined, "conv1")["pictures"] is None


def test_a_run_of_seconds_starts_at_once_and_one_of_minutes_waits_for_a_click(cmi, runs):
    app = cmi()
    app.select_slider(key="alpha").set_value(1.5).run()
    assert runs.list() == [], "eigenvalues take minutes"
    app.select_slider(key="alpha").set_value(2.0).run()
    app.number_input(key="seed").set_value(77).run()
    assert not app.exception
    asked = own_cut(trained("lenet5", "mnist-sample", seed=77), USUAL)
    assert runs.look(asked.hash).state == "queued"
