import gc
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mipp_core.errors import DataError
from mipp_core.experiments import run
from mipp_core.store import Outcome, Store, schema
from mipp_core.training import Recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def counted(value: int = 1):
    """A stage, and the list of its computations."""
    calls = []

    def make() -> Outcome:
        calls.append(value)
        return Outcome({"value": value}, {"w": torch.full((3,), float(value))})

    return make, calls


def kinds(store: Store) -> dict[str, int]:
    """Count the stages in a store by kind."""
    with store.database.reading() as connection:
        found = connection.execute(schema.stages.select()).all()
    assert all(row.times == 1 for row in found)
    return {kind: sum(row.kind == kind for row in found) for kind in {row.kind for row in found}}


def test_a_stage_is_computed_once_for_equal_reasons(store):
    make, calls = counted()
    first = store.stages("a").remember("train", {"seed": 1}, make)
    again = store.stages("b").remember("train", {"seed": 1}, make)
    other = store.stages("a").remember("train", {"seed": 2}, make)
    assert (len(calls), first.value, again.value, other.value) == (2, {"value": 1}, {"value": 1}, {"value": 1})
    assert torch.equal(again.tensors["w"], torch.ones(3))


def test_a_stage_that_fails_leaves_nothing(store):
    def broken() -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.stages("a").remember("train", {}, broken)
    make, calls = counted()
    store.stages("a").remember("train", {}, make)
    assert calls == [1]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x")])
def test_lost_or_damaged_tensors_are_computed_again(store, damage):
    make, calls = counted()
    blob = store.stages("a").remember("train", {}, make).blob
    damage(store.blobs.path(blob))
    found = store.stages("a").remember("train", {}, make)
    assert (len(calls), found.tensors["w"].tolist()) == (2, [1, 1, 1])


def test_another_retraining_retrains_and_does_nothing_else_again(tiny_spec, store):
    run(tiny_spec, store)
    before = kinds(store)
    run(replace(tiny_spec, retraining=Recipe(2, batch_size=500)), store)
    after = kinds(store)
    assert {kind: after[kind] - before[kind] for kind in after} == {
        "train": 0,
        "prune": 0,
        "measure": 0,
        "retrain": before["retrain"],
        "evaluate": before["retrain"],
    }


def test_a_run_made_again_computes_nothing(tiny_spec, store):
    first, weights = run(tiny_spec, store)
    before, calls = kinds(store), []
    again, same = run(tiny_spec, store, before_stage=lambda: calls.append(1))
    assert (kinds(store), calls) == (before, [])
    assert again == first
    assert all(torch.equal(tensor, weights[5][name]) for name, tensor in same[5].items())


def test_equal_tensors_share_a_file_and_the_name_is_the_content(store):
    one, other = store.blobs.put({"w": torch.ones(2)}), store.blobs.put({"w": torch.ones(2)})
    assert one == other != store.blobs.put({"w": torch.zeros(2)})
    assert len(store.blobs.sizes()) == 2
    assert store.blobs.get("0" * 64) is None


WRITER = """
import sys, torch
from pathlib import Path
from mipp_core.store import Outcome, Store
store = Store(Path(sys.argv[1]))
for step in range(20):
    make = lambda: Outcome({"step": step}, {"w": torch.full((50_000,), float(step))})
    store.stages(sys.argv[2]).remember("train", {"step": step}, make)
"""


def test_two_processes_writing_one_result_leave_one_whole_result(store):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(store.root), name], cwd=ROOT) for name in "ab"]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert not list(store.root.rglob("*.part"))
    assert len(store.blobs.sizes()) == 20
    for step in range(20):
        found = store.stages("c").remember("train", {"step": step}, lambda: pytest.fail("it was there"))
        assert found.value == {"step": step}
        assert torch.equal(found.tensors["w"], torch.full((50_000,), float(step)))


FULL = """
import resource, signal, sys, torch
from pathlib import Path
from mipp_core.errors import DataError
from mipp_core.store import Outcome, Store
store = Store(Path(sys.argv[1]))
store.stages("a").remember("train", {}, lambda: Outcome({"small": 1}, {"w": torch.ones(9)}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    store.stages("a").remember("measure", {}, lambda: Outcome({}, {"w": torch.ones(1_000_000)}))
except DataError as problem:
    print(problem)
"""


def test_a_disk_that_fills_leaves_no_half_result_and_a_sentence(store):
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(store.root)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "cannot be written" in said
    assert "free some space" in said
    assert not list(store.root.rglob("*.part"))
    assert len(store.blobs.sizes()) == 1
    assert kinds(store) == {"train": 1}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    gc.collect()
    subprocess.run(["umount", folder], check=True)


def test_a_run_on_a_small_disk_stops_with_a_sentence_and_goes_on_when_there_is_room(tiny_spec, small_disk):
    (small_disk / "filler").write_bytes(b"x" * 600_000)
    store = Store(small_disk / "store")
    with pytest.raises(DataError, match="free some space"):
        run(replace(tiny_spec, network=replace(tiny_spec.network, widths=(100, 50))), store)
    assert not list(small_disk.rglob("*.part"))
    store.database.close()
    (small_disk / "filler").unlink()
    store = Store(small_disk / "store")
    run(replace(tiny_spec, confidences=(0.75,)), store)
    kinds(store)
    store.database.close()


OLD = """
CREATE TABLE runs (hash VARCHAR NOT NULL PRIMARY KEY, spec JSON NOT NULL, state VARCHAR NOT NULL, lane INTEGER NOT NULL,
 ticket INTEGER NOT NULL, owner VARCHAR NOT NULL, device VARCHAR NOT NULL, data_dir VARCHAR, worker VARCHAR,
 stage VARCHAR NOT NULL, done FLOAT NOT NULL, attempts INTEGER NOT NULL, cancel BOOLEAN NOT NULL,
 message VARCHAR NOT NULL, asked_at FLOAT NOT NULL, started_at FLOAT, resumed_from FLOAT NOT NULL, ended_at FLOAT,
 document BLOB, changed_at FLOAT NOT NULL);
CREATE TABLE stages (key VARCHAR NOT NULL PRIMARY KEY, kind VARCHAR NOT NULL, value JSON NOT NULL, blob VARCHAR,
 seconds FLOAT NOT NULL, device VARCHAR NOT NULL, made_at FLOAT NOT NULL, used_at FLOAT NOT NULL,
 times INTEGER NOT NULL);
CREATE TABLE uses (run VARCHAR NOT NULL, stage VARCHAR NOT NULL, PRIMARY KEY (run, stage));
CREATE TABLE workers (device VARCHAR NOT NULL PRIMARY KEY, pid INTEGER NOT NULL, started_at FLOAT NOT NULL,
 heartbeat FLOAT NOT NULL);
INSERT INTO runs VALUES ('abc', '{"pruner":"mipp"}', 'failed', 0, 1, '', '', NULL, NULL, 'Testing', 0.4, 0, 0,
 'No reason.', 1.0, NULL, 0.0, 2.0, NULL, 0.0);
PRAGMA user_version = 1;
"""


def test_the_store_of_an_older_schema_opens(store):
    store.root.mkdir()
    with sqlite3.connect(store.root / "store.sqlite") as old:
        old.executescript(OLD)
    old.close()
    (job,) = store.runs.list()
    assert (job.hash, job.state, job.message, job.notes) == ("abc", "failed", "No reason.", ())
    store.runs.note("abc", "New.")
    assert Store(store.root).runs.look("abc").notes == ("New.",)
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA user_version").scalar_one() == schema.VERSION


def test_every_schema_version_has_a_way_up():
    assert sorted(schema.MIGRATIONS) == list(range(1, schema.VERSION))


def test_a_newer_schema_is_refused_in_a_sentence(store):
    store.root.mkdir()
    with sqlite3.connect(store.root / "store.sqlite") as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(DataError, match="newer version"):
        store.runs.list()


def test_a_store_that_is_no_folder_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        Store(tmp_path / "file").runs.list()


def test_garbage_goes_and_what_runs_use_stays(tiny_spec, store):
    kept, other = replace(tiny_spec, confidences=(0.75,)), replace(tiny_spec, confidences=(0.9,))
    for spec in (kept, other):
        result, _ = run(spec, store)
        store.runs.record(spec, result.to_json())
    orphan = store.blobs.put({"w": torch.arange(1000)})
    os.utime(store.blobs.path(orphan), (0, 0))
    store.runs.delete(other.hash)
    before = store.blobs.sizes()
    freed = store.collect()
    assert freed == sum(before.values()) - sum(store.blobs.sizes().values()) > 0
    document = store.runs.document(kept.hash)
    assert all(store.blobs.get(level["weights"]) for level in document["levels"])
    assert orphan not in store.blobs.sizes()


def test_a_budget_drops_the_least_used_weights_but_no_figures(tiny_spec, store):
    result, _ = run(replace(tiny_spec, confidences=(0.5, 0.9)), store)
    spec = result.spec
    store.runs.record(spec, result.to_json())
    store.collect(budget=0)
    assert store.blobs.sizes() == {}
    assert store.runs.document(spec.hash)["levels"][0]["accuracy_retrained"] is not None
    again, _ = run(spec, store)
    assert again.levels == result.levels


def test_weights_of_runs_that_go_on_are_not_collected(tiny_spec, store):
    spec = replace(tiny_spec, confidences=(0.75,))
    run(spec, store)
    store.runs.ask(spec)
    before = store.blobs.sizes()
    assert store.collect(budget=0) == 0
    assert store.blobs.sizes() == before


def test_a_fresh_file_is_not_taken_for_garbage(store):
    fresh = store.blobs.put({"w": torch.ones(1)})
    store.collect()
    assert fresh in store.blobs.sizes()
