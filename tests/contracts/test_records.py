"""A default, a recipe or code that changes what is computed is noticed, and the test says what to do."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from records import FILE, REMEDY, changes, main, present, pruner_record, without_revision

from mipp_core.pruners import PRUNERS, Magnitude, one_of, setting
from mipp_core.runs import RunSpec
from mipp_core.runs.naming import digest, plain


@pytest.fixture(scope="module")
def records() -> tuple[dict[str, Any], dict[str, Any]]:
    """The records kept, and those of the code as it is; what has none yet, as a new pruner, is no change."""
    return json.loads(FILE.read_text()), present()


def test_nothing_that_decides_a_result_changed_unnoticed(records):
    before, now = records
    found = changes(before, now)
    lines = "\n".join(f"  {place}: {old!r} -> {new!r}" for place, (old, new) in found.items())
    assert not found, (
        f"These differ from the records:\n{lines}\n"
        "Where a default or a recipe was changed: run `make records` and commit records.json with the change; runs get "
        "new names by themselves.\n"
        f"Where the code gives other results: {REMEDY} Then the same."
    )


def test_results_change_only_with_a_revision(records):
    stale = without_revision(*records)
    assert not stale, f"{', '.join(stale)}: other results under the same revision. {REMEDY}"


NAME = RunSpec(pruner="magnitude", settings=Magnitude()).hash
USUAL, OTHER = ("l1", "l2") if Magnitude().norm == "l1" else ("l2", "l1")


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> type[Magnitude]:
    """As if the default of a pruner's setting had been changed in the code."""
    own = {"norm": setting(OTHER, one_of(["l1", "l2"])), "__annotations__": {"norm": str}}
    kind = dataclass(frozen=True)(type("Magnitude", (Magnitude,), own))
    monkeypatch.setitem(PRUNERS, "magnitude", kind)
    return kind


def test_another_default_is_another_run_and_is_noticed(changed: type[Magnitude]):
    now = RunSpec(pruner="magnitude", settings=changed())
    assert changed().norm == OTHER
    assert now.hash != NAME, "a store would serve the old default's units under the new words"
    recorded = json.loads(FILE.read_text())["declared"]["pruners"]["magnitude"]
    assert changes(recorded, plain(pruner_record(changed))) == {"settings: norm": (USUAL, OTHER)}


def test_old_results_keep_their_names_under_another_default():
    """The golden name of a run of magnitude by its first defaults: l1, over the whole network."""
    old = RunSpec(pruner="magnitude", settings=Magnitude("l1"), scope="global")
    assert old.hash == "1de4f5851acc2466"
    assert RunSpec(pruner="magnitude", settings=Magnitude("l1")).hash != old.hash
    assert RunSpec.from_json({**old.to_json(), "scope": None}) == old, "what a description without a scope meant"


def test_records_can_be_written_after_a_changed_default_and_hold_then(
    changed: type[Magnitude], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """`make records` with another default of a setting, twice."""
    kept, before = tmp_path / "records.json", json.loads(FILE.read_text())
    kept.write_text(json.dumps(before))
    pruners = {**before["declared"]["pruners"], "magnitude": plain(pruner_record(changed))}
    monkeypatch.setattr("records.FILE", kept)
    monkeypatch.setattr("records.declared", lambda: {**before["declared"], "pruners": pruners})
    main()
    written = json.loads(kept.read_text())
    assert written["declared"]["pruners"]["magnitude"]["settings"]["norm"] == OTHER
    assert written["answers"]["pruner magnitude"] != before["answers"]["pruner magnitude"]
    assert not changes(written, present())
    main()
    assert json.loads(kept.read_text()) == written


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
