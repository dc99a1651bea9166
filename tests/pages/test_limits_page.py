"""The page Limits: the toy measured as it opens, shipped experiments with no click, and runs in the background."""

import pytest

from mipp_core.jobs.studies import Background
from mipp_core.limits.toy_measure import measure
from mipp_core.reports.limits import shipped_studies
from mipp_core.store import Store
from mipp_core.store.files import write_json
from pages.limits.sections import agreement_table, units_said
from pages.shared.toy_view import seen

SECTIONS = {
    "MIPP": "units",
    "memorisation": "memorisation",
    "noise": "noise",
    "images": "fashion",
    "robustness": "robustness",
    "networks": "masks",
}


@pytest.fixture
def started(monkeypatch):
    """No process is started; what would have started one is noted here."""
    calls = []
    monkeypatch.setattr(Background, "start", lambda job, data_dir=None: calls.append((job.name, job.full)))
    return calls


def test_it_opens_with_the_toy_measured_now(limits, words):
    app = limits(seeds="1", epochs="50")
    assert not app.exception
    toy = measure(seeds=1, setting=type(measure(seeds=1).setting)(50, 0.5))
    said = words(app)
    assert f"**magnitude-after** {toy.mean('magnitude-after', 10):.2f}" in said
    assert "exactly 0" in said
    assert "layers collapse" in said.replace("*", "")
    assert "Given its seed".lower() in said.replace("*", "").lower()


def test_bad_numbers_in_the_address_do_no_harm(limits):
    app = limits(seeds="-4", points="99", epochs="many", rate="fast", look="nothing")
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("look", SECTIONS)
def test_every_experiment_opens_with_its_shipped_document(limits, words, look):
    app = limits(look=look)
    assert not app.exception
    assert not app.error
    document = shipped_studies()[SECTIONS[look]]
    assert f"{document['device']}, {document['seconds']:,.0f} s" in words(app)
    assert "**What to see.**" in words(app)


@pytest.mark.parametrize("look", SECTIONS)
def test_both_settings_can_be_run(limits, started, look):
    app = limits(look=look)
    app.button(key=f"start {SECTIONS[look]} small").click().run()
    app.button(key=f"start {SECTIONS[look]} full").click().run()
    assert not app.exception
    assert started == [(SECTIONS[look], False), (SECTIONS[look], True)]


def test_what_was_run_here_is_shown_beside_what_ships(limits, own_store, words):
    job = Background.of(Store(own_store), "noise", False)
    job.folder.mkdir(parents=True)
    shipped = shipped_studies()["noise"]
    write_json(job.folder / "result.json", {**shipped, "seconds": 7.0})
    app = limits(look="noise")
    assert not app.exception
    assert f", {shipped['seconds']:,.0f} s." in words(app)
    app.button_group(key="result noise").set_value("small").run()
    assert "Small, run here" in words(app)
    assert ", 7 s." in words(app)


def test_a_result_of_another_version_is_not_drawn(limits, own_store, words):
    job = Background.of(Store(own_store), "noise", False)
    job.folder.mkdir(parents=True)
    write_json(job.folder / "result.json", {"study": "noise", "setting": {}})
    app = limits(look="noise")
    app.button_group(key="result noise").set_value("small").run()
    assert not app.exception
    assert "made by another version" in words(app)


def test_a_run_that_failed_says_why(limits, own_store, words):
    job = Background.of(Store(own_store), "fashion", True)
    job.folder.mkdir(parents=True)
    (job.folder / "failed.json").write_text('{"cancelled": false, "problem": "No images; give some."}')
    assert "The full run failed: No images; give some." in words(limits(look="images"))


def test_the_view_is_given_curves_and_masks():
    toy = measure(seeds=1)
    found = seen(toy, 10)
    assert found["names"] == list(toy.bits)
    assert all(len(found["mean"][name]) == 22 for name in found["names"])
    masks = found["commonest"]["magnitude-after"][10]
    assert all(len(mask) == 21 and mask.count("1") == 11 and 0 < share <= 1 for mask, share in masks)
    assert found["commonest"]["synflow"][10][0][1] == 1.0


def test_what_is_said_of_units_is_computed():
    document = shipped_studies()["units"]
    changed = {**document, "curves": [{**c, "bits": [[0.125] * len(b) for b in c["bits"]]} for c in document["curves"]]}
    assert "0.12 ± 0.00" in units_said(changed)
    assert units_said(changed) != units_said(document)


def test_the_table_of_networks_has_a_line_per_pruner_and_start():
    rows = shipped_studies()["masks"]["rows"]
    table = agreement_table(rows)
    assert len(table) == len({(row["pruner"], row["start"]) for row in rows})
    silent = table[(table.Pruner == "random") & (table.Start == "initial")].iloc[0]
    assert (silent["Other images"], silent["I(mask; data) at most"]) == (1.0, 0.0)
