"""A default, a recipe or code that changes what is computed is noticed, and the test says what to do."""

import json
import os
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from records import FILE, REMEDY, changes, present, pruner_record, without_revision

from mipp_core.pruners import PRUNERS, Magnitude, one_of, setting
from mipp_core.runs import RunSpec
from mipp_core.runs.naming import digest, plain


@pytest.fixture(scope="module")
def records() -> tuple[dict[str, Any], dict[str, Any]]:
    """The records kept, and those of the code as it is; what is new is added to the file, outside of CI."""
    before, now = json.loads(FILE.read_text()), present()
    if not changes(before, now) and before != now and "CI" not in os.environ:
        FILE.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    return before, now


def test_nothing_that_decides_a_result_changed_unnoticed(records):
    before, now = records
    found = changes(before, now)
    lines = "\n".join(f"  {place}: {old!r} -> {new!r}" for place, (old, new) in found.items())
    assert not found, (
        f"These differ from the records:\n{lines}\nA changed default or recipe gives runs new names by itself. "
        f"Where the code gives other results: {REMEDY} Then run `make records` and commit records.json with the change."
    )


def test_results_change_only_with_a_revision(records):
    stale = without_revision(*records)
    assert not stale, f"{', '.join(stale)}: other results under the same revision. {REMEDY}"


def test_another_default_is_another_run_and_is_noticed(monkeypatch: pytest.MonkeyPatch):
    """As if the default of a pruner's setting had been changed in the code."""
    before, name = json.loads(FILE.read_text()), RunSpec(pruner="magnitude", settings=Magnitude()).hash
    usual, other = ("l1", "l2") if Magnitude().norm == "l1" else ("l2", "l1")
    changed = dataclass(frozen=True)(
        type(
            "Magnitude", (Magnitude,), {"norm": setting(other, one_of(["l1", "l2"])), "__annotations__": {"norm": str}}
        )
    )
    monkeypatch.setitem(PRUNERS, "magnitude", changed)
    assert changed().norm == other
    now = RunSpec(pruner="magnitude", settings=changed())
    assert now.hash != name, "a store would serve the old default's units under the new words"
    assert RunSpec(pruner="magnitude", settings=changed(norm=usual)).hash == name, "old results keep their names"
    recorded = before["declared"]["pruners"]["magnitude"]
    assert changes(recorded, plain(pruner_record(changed))) == {"settings: norm": (usual, other)}


def test_a_raised_revision_renames_the_runs_that_depend_on_it_and_no_others(monkeypatch: pytest.MonkeyPatch):
    mine = RunSpec(pruner="magnitude", settings=Magnitude())
    control, other = RunSpec(controls=("magnitude",)), RunSpec()
    names = [spec.hash for spec in (mine, control, other)]
    monkeypatch.setattr(Magnitude, "revision", 2)
    assert mine.hash != names[0]
    assert control.hash != names[1]
    assert other.hash == names[2]
    assert [mine.hash_under({}), control.hash_under({})] == names[:2], "a document of before keeps its name"


@pytest.mark.parametrize("stage", ["train", "measure"])
def test_a_raised_stage_renames_all_runs(monkeypatch: pytest.MonkeyPatch, stage: str):
    from mipp_core.runs.revisions import STAGES  # noqa: PLC0415

    name = RunSpec().hash
    monkeypatch.setitem(STAGES, stage, 2)
    assert RunSpec().hash != name
    assert digest(RunSpec(), {}) == name


def test_other_code_under_the_same_revision_is_named():
    before = json.loads(FILE.read_text())
    now = json.loads(FILE.read_text())
    now["answers"]["pruner magnitude"][0] *= 1.1
    now["answers"]["pruner lamp"][0] *= 1.00001
    assert without_revision(before, now) == ["pruner magnitude"]
    now["declared"]["pruners"]["magnitude"]["revision"] = 2
    assert without_revision(before, now) == []
    now["declared"]["constants"]["rebuilt on"] = 17
    assert without_revision(before, now) == ["constants"]


def test_records_are_made_on_one_thread():
    assert torch.get_num_threads() == 1
