"""The page Pixels: shipped studies with no click, runs of this machine, and what it says of them."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from mipp_core.experiments import run
from mipp_core.figures.pixels import blanked_chart, kept_chart, share_map
from mipp_core.pixels.pictures import pictures
from mipp_core.pruners import ClosedForm
from mipp_core.recipes import RECIPES
from mipp_core.reports.pixel_repetitions import side
from mipp_core.reports.pixels import CLOSED_FORM, DEFORMED, REGRESSORS, shipped_pixels
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.store import Store
from pages.pixels import compared, said
from pages.pixels.curves_view import seen as curves_seen
from pages.pixels.maps_view import seen as maps_seen


@pytest.fixture
def live_run(own_store):
    """A real, small run of this machine that tested pixels."""
    store = Store(own_store)
    network = NetworkSpec("mlp", "mnist-sample", widths=(12, 8), recipe=RECIPES["none"])
    settings = ClosedForm(samples=200, pixels=True)
    spec = RunSpec(network, True, "mipp-closed-form", settings, (0.75, 0.99), RECIPES["none"])
    store.runs.record(spec, run(spec, store)[0].to_json())
    return spec


@pytest.mark.parametrize("of", [CLOSED_FORM, REGRESSORS, DEFORMED])
def test_every_shipped_study_opens_with_its_figures(pixels, words, of):
    app = pixels(of=of)
    assert not app.exception and not app.error
    study = shipped_pixels()["studies"][of]
    assert f"averaged over {study['ranked']:,} test images" in words(app)
    assert f"reaches {study['dense']:.2%}" in words(app)
    assert study["command"] in [each.value for each in app.code]
    assert words(app).count("What to see") == 5


def test_it_opens_with_the_closed_form(pixels):
    assert pixels().button_group(key="of").value == CLOSED_FORM


def test_rubbish_in_the_address_does_no_harm(pixels):
    app = pixels(of="nothing", level="-7", both="many", seed="x", deformation="9")
    assert not app.exception and not app.error
    assert app.button_group(key="of").value == CLOSED_FORM


def test_a_run_that_is_not_there_is_named(pixels):
    app = pixels(run="*0123*")
    assert not app.exception
    assert "no run called" in app.error[0].value
    app.button(key="back").click().run()
    assert not app.error and "run" not in app.query_params


def test_a_shipped_run_may_be_named(pixels, words):
    study = shipped_pixels()["studies"][REGRESSORS]
    assert study["command"] in [each.value for each in pixels(run=study["run"]).code]


def test_live_offers_the_run_that_explore_makes(pixels, explore, calls_for_workers, runs):
    app = pixels(of="live on this machine", deformation="0.5", seed="3")
    assert not app.exception
    app.button(key="start_run").click().run()
    (job,) = runs.list()
    spec = RunSpec.from_json(job.spec)
    assert (spec.network.deformation, spec.network.seed, spec.settings) == (0.5, 3, ClosedForm(pixels=True))
    same = explore(pixels="true", method="closed form", dataset="mnist-sample", deformation="0.5", seed="3")
    assert not same.exception
    assert not [button for button in same.button if button.key == "start_run"]


def test_a_run_of_this_machine_is_ranked_and_blanked_while_one_waits(pixels, live_run, words):
    app = pixels(run=live_run.hash)
    assert not app.exception and not app.error and not app.info
    assert f"./pixels?run={live_run.hash}" in words(app)
    assert "take minutes: the shipped runs have them" in words(app)


def test_runs_that_cannot_be_looked_at_say_why(pixels, live_run, own_store, words):
    store = Store(own_store)
    document = store.runs.document(live_run.hash)
    without = replace(live_run, settings=ClosedForm(samples=200))
    for level in document["levels"]:
        level["layers"] = [each for each in level["layers"] if each["name"] != "input"]
    store.runs.record(without, {**document, "spec": without.to_json(), "hash": without.hash})
    assert "did not test pixels" in words(pixels(run=without.hash))
    larger = replace(live_run, network=replace(live_run.network, seed=1))
    changed = {**document, "spec": larger.to_json(), "hash": larger.hash, "macs": 10**9}
    store.runs.record(larger, changed)
    assert "1,000,000,000 multiply-accumulates" in words(pixels(run=larger.hash))
    fresh = replace(live_run, trained=False)
    store.runs.record(fresh, {**document, "spec": fresh.to_json(), "hash": fresh.hash})
    assert "nothing to attribute yet" in words(pixels(run=fresh.hash))
    other = replace(live_run, network=replace(live_run.network, dataset="fashion-mnist"))
    store.runs.record(other, {**document, "spec": other.to_json(), "hash": other.hash})
    assert "This run is on fashion-mnist" in words(pixels(run=other.hash))


def test_the_maps_are_given_all_levels():
    study = shipped_pixels()["studies"][CLOSED_FORM]
    found = maps_seen(study, 3, pictures(0.0, 0))
    assert found["counts"] == [text.count("1") for text in study["kept"]]
    assert len(found["gone"]) == 784 and max(found["gone"]) == len(study["levels"])
    assert all(sorted(order) == list(range(784)) for order in found["orders"].values())
    assert all(0 <= share <= 1 for shares in found["common"].values() for share in shares)


def test_the_curves_are_given_a_colour_and_a_panel_each():
    study = shipped_pixels()["studies"][CLOSED_FORM]
    found = curves_seen(study, 3)
    assert found["names"] == list(study["blanked"]["rows"]) and len(set(found["colours"])) == len(found["names"])
    assert [panel["short"] for panel in found["panels"]] == ["Blanked", "Trained"]
    without = {key: value for key, value in study.items() if key != "trained"}
    assert [panel["short"] for panel in curves_seen(without, 3)["panels"]] == ["Blanked"]


def test_what_is_said_is_computed():
    study = deepcopy(shipped_pixels()["studies"][CLOSED_FORM])
    place = said.last_place(study)
    before = said.of_places(study, place), said.of_accuracies(study, place)
    study["orders"] = {"variance": [at for at, each in enumerate(study["kept"][place]) if each == "1"]}
    study["orders"]["variance"] += [at for at in range(784) if at not in set(study["orders"]["variance"])]
    assert "have 100% in common" in said.of_places(study, place) and "lie as close as theirs" in said.of_places(
        study, place
    )
    study["trained"]["rows"]["MIPP"] = [[0.0] * len(row) for row in study["trained"]["rows"]["MIPP"]]
    assert "nobody; behind: nobody." in said.of_accuracies(study, place)
    study["trained"]["rows"] = {
        who: [[0.5] * len(row) for row in rows] for who, rows in study["trained"]["rows"].items()
    }
    assert "Ahead of MIPP: nobody; level with it within the seeds' spread: random" in said.of_accuracies(study, place)
    assert before != (said.of_places(study, place), said.of_accuracies(study, place))


def test_a_study_without_a_pixel_says_so():
    study = deepcopy(shipped_pixels()["studies"][CLOSED_FORM])
    study["kept"] = ["0" * 784]
    assert "no pixel is left" in said.of_places(study, 0)


def test_plain_and_deformed_are_compared_by_their_own_figures():
    repetitions = shipped_pixels()["repetitions"]
    plain, deformed = side(repetitions, 0.0), side(repetitions, 1.0)
    assert plain.seeds == deformed.seeds == 3
    assert f"{plain.counts[-1][0]:.0f} ±" in compared.counts_said(plain, deformed)
    assert "at every level" in compared.counts_said(plain, deformed)
    assert "at no level" in compared.counts_said(deformed, plain)
    assert f"{deformed.away[14][0]:.1f} ±" in compared.which_said(plain, deformed, 14)
    assert compared.accuracy_said(plain, deformed).count("points with") == 2


def test_the_figures_of_both_kinds_of_digits_have_their_levels():
    repetitions = shipped_pixels()["repetitions"]
    plain, deformed = side(repetitions, 0.0), side(repetitions, 1.0)
    for chart in (kept_chart(plain, deformed), blanked_chart(plain, deformed)):
        assert [trace.name for trace in chart.data] == ["plain digits", "deformed digits"]
        assert all(len(trace.x) == len(plain.levels) for trace in chart.data)
    shown = share_map(plain.shares[0].view(28, 28) - 1, "of the seeds")
    assert torch.tensor(shown.data[0].z).max() <= 0 and shown.data[0].customdata[0][0] == pytest.approx(1.0)
