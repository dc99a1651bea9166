"""What can be done with runs that are ticked: cancel, try again, delete, export, compare."""

import zipfile
from io import BytesIO

import pytest
from runs_table import buttons, table
from streamlit.testing.v1 import AppTest

from mipp_core.figures import AXES, compare_curves
from mipp_core.reports.archive import load_run, shipped_runs
from mipp_core.reports.tables import curve_table
from mipp_core.runs.spec import RunSpec
from mipp_core.store import INTERACTIVE, Store
from mipp_core.store.transfer import pack_run, unpack_run
from pages.runs import history

pytestmark = pytest.mark.filterwarnings("default")


def everything_ticked():
    """What the page draws below the table when every row is ticked."""
    from pages.runs import history  # noqa: PLC0415

    history._actions([history._entry(job) for job in history.store().runs.list()])


@pytest.fixture
def actions():
    def make():
        return AppTest.from_function(everything_ticked, default_timeout=60).run()

    return make


def entries(runs):
    return [history._entry(job) for job in runs.list()]


def entry(runs, spec):
    return history._entry(runs.look(spec.hash))


def test_a_run_of_another_version_is_a_row_that_can_be_deleted(
    written_by_another_version, address, runs, page, actions
):
    written_by_another_version(address())
    app = page()
    assert not app.exception
    assert [list(chips) for chips in table(app).spec] == [["made by another version"]]
    app = actions()
    assert not app.exception
    assert buttons(app) == ["Delete for good"]
    app.button(key="delete_runs").click().run()
    assert runs.list() == []


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
    history._retry(stopped)
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
    assert "Delete 5 runs? This cannot be undone." in [words.value for words in app.markdown]
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
    assert [head.value for head in app.header] == ["Side by side"]
    assert len(app.get("plotly_chart")) == 1


def test_the_figure_has_a_named_curve_a_run(finished, runs, address):
    specs = [address(seed=seed) for seed in range(12)]
    for spec in specs:
        finished(spec)
    tables = {history._name(one): curve_table(one.found.document) for one in entries(runs)}
    assert set(tables) == {
        f"mlp, mnist-sample, trained, mipp, pixels, seed {spec.network.seed} ({spec.hash[:6]})" for spec in specs
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
