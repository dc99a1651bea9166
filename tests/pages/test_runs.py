"""The table of the page Runs, what filters it, and the room that the store takes."""

import os
from dataclasses import replace

import pytest
import torch
from runs_table import table

from mipp_core.reports.tables import headline
from mipp_core.store import Store
from mipp_core.store.runs import Runs
from pages.runs import history
from pages.shared import finding, told
from pages.shared.amounts import in_bytes

pytestmark = pytest.mark.filterwarnings("default")


def test_a_first_visit_says_what_the_page_is_for_and_has_shipped_runs_to_open(page, words):
    app = page()
    assert not app.exception
    assert app.info[0].value.startswith("Nothing has been run on this machine yet.")
    assert not app.dataframe
    assert app.expander[0].proto.expanded
    for document in finding.shipped():
        assert f"](./?run={document['hash']})" in words(app)


def test_every_run_is_a_row(one_of_each, runs, page):
    app = page()
    assert not app.exception
    rows = table(app)
    assert set(rows.state) == set(history.STATES.values())
    assert list(rows.state[:2]) == [history.STATES["running"], history.STATES["queued"]]
    rows = rows.set_index("state")
    assert list(rows.spec[history.STATES["failed"]]) == [
        "mlp",
        "mnist-sample",
        "trained",
        "mipp",
        "pixels",
        "seed 4",
    ]
    assert rows.words[history.STATES["failed"]] == "The disk is full."
    assert rows.words[history.STATES["queued"]] == "Waiting, the next in the queue"
    assert rows.words[history.STATES["running"]].startswith("Testing fc1, 40%")
    assert rows.progress[history.STATES["running"]] == 0.4
    assert rows.device[history.STATES["running"]] == "cpu"
    figures = headline(runs.document(one_of_each["done"].hash))
    assert rows.dense[history.STATES["done"]] == figures["dense"]
    assert rows.progress[history.STATES["done"]] == 1.0


def test_the_share_removed_is_the_largest_within_one_point(finished, runs, address, page):
    document = finished(address())
    for level in document["levels"]:
        level["accuracy_retrained"] = document["dense_accuracy"] - (0.005 if level["level"] <= 7 else 0.2)
    runs.publish(address().hash, document)
    assert list(table(page()).removed) == [max(level["sparsity"] for level in document["levels"][:8])]


def test_the_figures_follow_the_result(finished, runs, address, page):
    document = finished(address())
    app = page()
    for entry in document["levels"]:
        entry["accuracy_retrained"] = 0.0
    runs.publish(address().hash, {**document, "dense_accuracy": 0.5})
    app.run()
    assert list(table(app).dense) == [0.5]
    assert list(table(app).removed) == [None]


def test_many_finished_runs_are_listed_without_reading_them_again(finished, runs, address, page, monkeypatch):
    document = {**finished(address()), "decisions": {}}
    specs = [address(seed=seed) for seed in range(40)]
    for spec in specs:
        runs.record(spec, document)
    app = page()
    monkeypatch.setattr(Runs, "document", None)
    app.run()
    assert not app.exception
    assert len(table(app)) == len(specs)


def test_notes_stand_beside_the_reason(runs, address, page):
    runs.fail(address(), "The disk is full.")
    runs.note(address().hash, "Batches of 32.")
    assert list(table(page()).words) == ["The disk is full. Batches of 32."]


@pytest.mark.parametrize(
    ("chosen", "left"),
    [([], 5), (["done"], 1), (["queued", "running"], 2), (["failed", "cancelled", "done"], 3)],
)
def test_states_filter_the_rows(one_of_each, page, chosen, left):
    app = page()
    app.button_group(key="states").set_value(chosen).run()
    assert not app.exception
    assert len(table(app)) == left
    assert set(table(app).state) == {history.STATES[state] for state in chosen or history.STATES}


@pytest.mark.parametrize(
    ("words", "states"),
    [
        ("", set(history.STATES)),
        ("seed 4", {"failed"}),
        ("SEED  3 MLP", {"cancelled"}),
        ("disk", {"failed"}),
        ("full. 4", {"failed"}),
        ("pix", set(history.STATES)),
        ("lenet5", set()),
        ("[(*", set()),
    ],
)
def test_words_filter_the_rows(one_of_each, page, words, states):
    app = page()
    app.text_input(key="find").set_value(words).run()
    assert not app.exception
    assert set(table(app).state) == {history.STATES[state] for state in states}


def test_a_run_is_found_by_its_name(one_of_each, page):
    app = page()
    app.text_input(key="find").set_value(one_of_each["done"].hash[:8]).run()
    assert list(table(app).state) == [history.STATES["done"]]


def test_the_page_says_what_the_store_takes_and_makes_room(finished, runs, address, own_store, page):
    finished(address())
    left_over = Store(own_store).blobs.put({"weights": torch.zeros(500_000)})
    os.utime(Store(own_store).blobs.path(left_over), (0, 0))
    app = page()
    said = next(caption.value for caption in app.caption if caption.value.startswith("Storage"))
    assert str(own_store) in said
    assert f"{in_bytes(Store(own_store).space().tensors)} of it weights" in said
    app.button(key="collect").click().run()
    assert not app.exception
    assert [toast.value for toast in app.toast] == ["2 MB freed."]
    assert len(table(app)) == 1


def test_what_waits_gets_a_worker_from_whoever_looks(runs, address, page, calls_for_workers):
    runs.fail(address(), "The disk is full.")
    page()
    assert calls_for_workers == []
    runs.ask(address(seed=1))
    page()
    assert calls_for_workers


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"state": "queued", "place": 0}, "Waiting, the next in the queue"),
        ({"state": "queued", "place": 2}, "Waiting, 2 ahead in the queue"),
        ({"state": "running", "remaining": None}, "Testing fc1, 40%"),
        ({"state": "running", "remaining": 600.0}, "Testing fc1, 40%, about 10 min to go"),
    ],
)
def test_how_a_run_is_doing_in_words(claimed, runs, address, job, said):
    name = claimed(address())
    runs.tell(name, "Testing fc1", 0.4)
    assert told.words(replace(runs.look(name), **job)) == said
