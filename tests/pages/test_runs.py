import os
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest
import torch
from streamlit.testing.v1 import AppTest

from mipp_core.figures import AXES, compare_curves
from mipp_core.reports.archive import load_run, shipped_runs
from mipp_core.reports.tables import curve_table, headline
from mipp_core.runs.spec import RunSpec
from mipp_core.store import INTERACTIVE, Store
from mipp_core.store.runs import Runs
from mipp_core.store.transfer import pack_run, unpack_run
from pages.runs import history
from pages.shared import live

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def page():
    """Open Runs."""

    def make():
        return AppTest.from_file("../../pages/runs/page.py", default_timeout=60).run()

    return make


def everything_ticked():
    """What the page draws below the table when every row is ticked."""
    from pages.runs import history  # noqa: PLC0415

    history._actions([history._entry(job) for job in history.store().runs.list()])


@pytest.fixture
def actions():
    def make():
        return AppTest.from_function(everything_ticked, default_timeout=60).run()

    return make


@pytest.fixture
def one_of_each(runs, claimed, finished, address):
    """Five runs, one in each state, by the state's name."""
    specs = {state: address(seed=seed) for seed, state in enumerate(history.STATES)}
    claimed(specs["running"])
    runs.tell(specs["running"].hash, "Testing fc1", 0.4)
    runs.ask(specs["queued"])
    finished(specs["done"])
    runs.fail(specs["failed"], "The disk is full.")
    runs.ask(specs["cancelled"])
    runs.cancel(specs["cancelled"].hash)
    return specs


def table(app):
    return app.dataframe[0].value


def entries(runs):
    return [history._entry(job) for job in runs.list()]


def entry(runs, spec):
    return history._entry(runs.look(spec.hash))


def buttons(app):
    return [button.label for button in [*app.button, *app.get("download_button")]]


def test_an_empty_store_says_so(page):
    app = page()
    assert not app.exception
    assert [info.value for info in app.info] == [
        "Nothing has been run on this machine yet. Start a live run on the page Explore."
    ]
    assert not app.dataframe


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
        "pixels True",
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


def test_a_run_of_another_version_is_a_row_that_can_be_deleted(
    written_by_another_version, address, runs, page, actions
):
    written_by_another_version(address())
    app = page()
    assert not app.exception
    assert [list(chips) for chips in table(app).spec] == [["of another version"]]
    app = actions()
    assert not app.exception
    assert buttons(app) == ["Delete for good"]
    app.button(key="delete_runs").click().run()
    assert runs.list() == []


def test_the_page_says_what_the_store_takes_and_makes_room(finished, runs, address, own_store, page):
    finished(address())
    left_over = Store(own_store).blobs.put({"weights": torch.zeros(500_000)})
    os.utime(Store(own_store).blobs.path(left_over), (0, 0))
    app = page()
    said = next(caption.value for caption in app.caption if caption.value.startswith("Storage"))
    assert str(own_store) in said
    assert f"{Store(own_store).space().tensors / 1e6:.1f} MB of it weights" in said
    app.button(key="collect").click().run()
    assert not app.exception
    assert [toast.value for toast in app.toast] == ["2.0 MB freed."]
    assert len(table(app)) == 1


@pytest.mark.parametrize(("count", "said"), [(0, "0.0 MB"), (2_340_000, "2.3 MB"), (5_000_000_000, "5.00 GB")])
def test_sizes_in_words(count, said):
    assert history._size(count) == said


def test_what_waits_gets_a_worker_from_whoever_looks(runs, address, page, calls_for_workers):
    runs.fail(address(), "The disk is full.")
    page()
    assert calls_for_workers == []
    runs.ask(address(seed=1))
    page()
    assert calls_for_workers


def test_several_can_be_cancelled(one_of_each, runs):
    history._cancel([entry(runs, one_of_each["running"]), entry(runs, one_of_each["queued"])])
    assert runs.asked_to_stop(one_of_each["running"].hash)
    assert runs.look(one_of_each["queued"].hash).state == "cancelled"


def test_cancelling_what_has_ended_meanwhile_changes_nothing(one_of_each, runs):
    seen = entry(runs, one_of_each["running"])
    runs.finish(seen.job.hash, "done")
    history._cancel([seen])
    assert runs.look(seen.job.hash).state == "done"
    assert not runs.asked_to_stop(seen.job.hash)


def test_several_can_be_tried_again(one_of_each, runs, calls_for_workers):
    stopped = [one_of_each["failed"], one_of_each["cancelled"]]
    history._retry([entry(runs, spec) for spec in stopped])
    assert [runs.look(spec.hash).state for spec in stopped] == ["queued", "queued"]
    assert [runs.look(spec.hash).message for spec in stopped] == ["", ""]
    assert calls_for_workers


def test_several_can_be_deleted(one_of_each, runs):
    history._delete(entries(runs)[1:])
    assert [job.state for job in runs.list()] == ["running"]
    history._delete(entries(runs))
    assert runs.list() == []


def test_a_deleted_run_that_goes_on_is_stopped(one_of_each, runs):
    history._delete([entry(runs, one_of_each["running"])])
    assert runs.asked_to_stop(one_of_each["running"].hash)


def test_one_finished_run_can_be_opened_and_exported(finished, address, own_store, tmp_path, actions):
    finished(address())
    app = actions()
    assert not app.exception
    assert [link.proto.url for link in app.get("link_button")] == [f"./?run={address().hash}"]
    assert buttons(app) == ["Delete for good", "Curve (CSV)", "Run (zip)"]
    content = pack_run(Store(own_store), address().hash)
    assert sorted(zipfile.ZipFile(BytesIO(content)).namelist()) == ["run.json", "weights.safetensors"]
    assert unpack_run(Store(tmp_path / "other"), content) == address().hash


def test_a_run_without_a_result_of_its_own_is_not_exported(runs, actions):
    """Its figures come with the package; the store has nothing of it."""
    spec = RunSpec.from_json(load_run(shipped_runs()[0])["spec"])
    runs.fail(spec, "The disk is full.")
    app = actions()
    assert not app.exception
    assert buttons(app) == ["Try again", "Delete for good", "Curve (CSV)"]


def test_what_can_be_done_follows_from_the_states(one_of_each, actions):
    app = actions()
    assert not app.exception
    assert buttons(app) == ["Cancel", "Try again", "Delete for good"]
    assert "Delete 5 runs? Results cannot be had back." in [words.value for words in app.markdown]
    app.button(key="cancel_runs").click().run()
    assert not app.exception


def test_a_refusal_is_said_once_under_the_table(runs, address, page, actions):
    for seed in range(3):
        runs.ask(address(seed=seed), owner="test@example.com", lane=INTERACTIVE)
    for seed in (3, 4):
        runs.fail(address(seed=seed), "The disk is full.")
    app = actions()
    app.button(key="retry_runs").click().run()
    assert not app.exception
    assert runs.waiting() == 4
    refusal = app.session_state["refusal"]
    assert refusal.startswith("You have 4 runs waiting or going on")
    app = page()
    app.session_state["refusal"] = refusal
    assert [error.value for error in app.run().error] == [refusal]
    assert not app.run().error


def test_chosen_runs_are_compared_in_one_figure(finished, runs, address, actions):
    finished(address())
    finished(address(seed=1))
    app = actions()
    assert not app.exception
    assert [head.value for head in app.subheader] == ["Side by side"]
    assert len(app.get("plotly_chart")) == 1


def test_the_figure_has_a_named_curve_a_run(finished, runs, address):
    specs = [address(seed=seed) for seed in range(12)]
    for spec in specs:
        finished(spec)
    tables = {history._name(one): curve_table(one.found.document) for one in entries(runs)}
    assert set(tables) == {
        f"mlp, mnist-sample, trained, mipp, pixels True, seed {spec.network.seed} ({spec.hash[:6]})" for spec in specs
    }
    for x in AXES:
        drawn = {line.name: line for line in compare_curves(tables, x).data}
        assert set(drawn) == set(tables)
        for name, line in drawn.items():
            curve = tables[name].query("choice == 'mipp'").sort_values(x)
            assert (list(line.x), list(line.y)) == (list(curve[x]), list(curve.accuracy_retrained))


def test_where_nothing_was_retrained_the_rebuilt_accuracy_is_compared(finished, address):
    document = finished(address())
    for level in document["levels"]:
        level["accuracy_retrained"] = None
    figure = compare_curves({"one": curve_table(document)})
    assert set(figure.data[0].y) == {level["accuracy_rebuilt"] for level in document["levels"]}


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
    assert live.words(replace(runs.look(name), **job)) == said
