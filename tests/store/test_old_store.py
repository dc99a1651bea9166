"""A store of version 0.1.0 opens and serves its results; what changed since is computed under new names."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from mipp_core.command_line.parser import build_parser
from mipp_core.command_line.reading import grid_of
from mipp_core.experiments import run
from mipp_core.pruners.prospr import ProsPR
from mipp_core.runs import RunResult, RunSpec
from mipp_core.store import Store

QUICK = [
    *("--set", "reference=fixed", "--set", "estimate_size=256"),  # version 0.1.0's defaults
    "--set",
    "members=2",
    "--set",
    "hidden=[8]",
    "--set",
    "fit_steps=20",
    "--set",
    "unit_steps=2",
    "--set",
    "samples=200",
]
NETWORK = ["sweep", "--model", "mlp", "--widths", "6,5", "--recipe", "none", "--retrain-recipe", "none"]


@pytest.fixture
def old(tmp_path: Path) -> Store:
    shutil.copytree(Path(__file__).parent / "made_by_0_1", tmp_path / "store")
    return Store(tmp_path / "store")


def asked(*words: str) -> RunSpec:
    (spec,) = grid_of(build_parser().parse_args([*NETWORK, *words])).cells()
    return spec


def test_its_run_has_the_name_it_had_and_nothing_is_computed_again(old: Store):
    spec = asked("--levels", "0,9", *QUICK)
    known = old.runs.document(spec.hash)
    assert known is not None
    assert RunResult.from_json(known).spec == spec

    def refuse() -> None:
        raise AssertionError("a stage was computed again")

    result, weights = run(spec, old, before_stage=refuse)
    again = result.to_json()
    assert again["levels"] == known["levels"]
    assert again["decisions"] == known["decisions"]
    assert set(weights) == {0, 1}


def test_results_of_code_that_changed_since_are_kept_under_their_old_name_and_not_served(old: Store):
    spec = asked("--pruner", "prospr", "--sparsities", "0.5", "--set", "batch_size=256")
    assert spec.settings == ProsPR(batch_size=256), "version 0.1.0's default"
    before = old.runs.document(spec.hash_under({}))
    assert before is not None
    assert spec.hash != spec.hash_under({})
    assert old.runs.document(spec.hash) is None
    result, _ = run(spec, old)
    assert result.to_json()["hash"] == spec.hash
    assert old.runs.document(spec.hash_under({})) == before


def test_a_run_of_old_code_that_comes_from_another_store_keeps_its_name(old: Store, tmp_path: Path):
    from mipp_core.store.transfer import export_run, import_run  # noqa: PLC0415

    name = asked("--pruner", "prospr", "--sparsities", "0.5", "--set", "batch_size=256").hash_under({})
    export_run(old, name, tmp_path / "taken")
    other = Store(tmp_path / "other")
    assert import_run(other, tmp_path / "taken") == name
    assert other.runs.look(name).state == "done"


def test_what_waited_for_old_code_is_refused_by_a_worker_and_not_given_its_name(old: Store):
    from mipp_core.jobs.worker import Worker  # noqa: PLC0415

    name = asked("--pruner", "prospr", "--sparsities", "0.5", "--set", "batch_size=256").hash_under({})
    with sqlite3.connect(old.root / "store.sqlite") as connection:
        connection.execute("UPDATE runs SET state = 'queued', document = NULL WHERE hash = ?", (name,))
    ticket = old.runs.claim("cpu")
    assert ticket is not None
    Worker(old, "cpu")._do(ticket)
    seen = old.runs.look(name)
    assert (seen.state, seen.message) == ("failed", seen.message)
    assert "start it again" in seen.message
