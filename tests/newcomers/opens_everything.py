"""Run by test_newcomers.py inside a copy of the project that has an added pruner, model, data set and page."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mipp_core.command_line import main
from mipp_core.data import DATASETS
from mipp_core.models import MODELS
from mipp_core.pruners import PRUNERS
from mipp_core.reports.comparison import ENTRIES
from pages.explore.panels import DRAWN

pytestmark = pytest.mark.filterwarnings("default")
NETWORK = ["--model", "tiny", "--dataset", "bars", "--recipe", "none"]
PRUNING = [*NETWORK, "--retrain-recipe", "none"]
QUICK = [f"--set={each}" for each in ("members=2", "hidden=[8]", "fit_steps=20", "unit_steps=2", "samples=100")]


@pytest.fixture(autouse=True)
def store(tmp_path_factory, monkeypatch):
    """One store for all."""
    folder = tmp_path_factory.getbasetemp() / "store"
    monkeypatch.setenv("MIPP_STORE", str(folder))
    monkeypatch.setenv("MIPP_DATA", str(folder / "data"))
    monkeypatch.setattr("mipp_core.jobs.ensure", lambda *_: None)
    monkeypatch.setattr("mipp_core.jobs.warm", lambda *_: None)
    return folder


def run(capsys, *words):
    code = main([*words, "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return json.loads(printed.out)


def test_the_registries_know_them():
    assert "largest" in PRUNERS
    assert "tiny" in MODELS
    assert "bars" in DATASETS
    assert "Largest" in ENTRIES


@pytest.mark.parametrize(("command", "name"), [("models", "tiny"), ("datasets", "bars"), ("pruners", "largest")])
def test_lists_have_them(command, name, capsys):
    assert name in [each["name"] for each in run(capsys, command)]


def test_commands_that_compute(capsys, tmp_path: Path):
    run(capsys, "train", *NETWORK)
    run(capsys, "plan", *PRUNING, "--levels", "0")
    swept = run(capsys, "sweep", *PRUNING, "--pruner", "largest", "--sparsities", "0.25,0.5")
    assert [round(level["sparsity"], 2) for level in swept["levels"]] == [0.25, 0.5]
    run(capsys, "prune", *PRUNING, "--confidence", "0.9", *QUICK, "--save-dir", str(tmp_path))
    run(capsys, "export", str(tmp_path), "--format", "pt2")
    run(capsys, "latency", str(tmp_path), "--batches", "1", "--seconds", "0.1")


def test_the_store_knows_the_runs(capsys, tmp_path: Path):
    jobs = run(capsys, "runs", "list")
    assert {job["spec"]["pruner"] for job in jobs} == {"largest", "mipp"}
    for job in jobs:
        run(capsys, "runs", "show", job["hash"])
        run(capsys, "runs", "export", job["hash"], "--to", str(tmp_path))
    run(capsys, "runs", "gc")


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(f"../../pages/{page}/page.py", default_timeout=60)
    app.session_state[DRAWN] = True  # no browser says so here
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    refusals = [error.value for error in app.error if error.icon != ":material/warning:"]  # chance is no refusal
    assert not refusals
    return app


def test_explore_opens_with_them_and_shows_their_run(capsys):
    assert "Nobody has run these settings" in opened("explore", model="tiny", dataset="bars").info[0].value
    for job in run(capsys, "runs", "list"):
        shown = opened("explore", run=job["hash"])
        assert any(re.search("tiny on bars", each.value) for each in shown.caption)


def test_compare_and_runs_open_with_them():
    opened("compare", cmp_model="tiny", cmp_dataset="bars", cmp_pruners_trained="Largest")
    opened("runs")


def test_the_added_page_is_in_the_menu_and_opens():
    frame = AppTest.from_file("../../pages/frame.py", default_timeout=60).run()
    assert not frame.exception
    opened("models")
