"""The typed documents and the dataclasses they are of say the same, and every shipped document can be read back."""

import json
from dataclasses import fields
from typing import Any

import pytest

from mipp_core.augmentation import Augmentation
from mipp_core.errors import SettingError
from mipp_core.recipes import Recipe
from mipp_core.reports.archive import load_run, shipped_documents, shipped_runs
from mipp_core.runs import NetworkSpec, RunResult, RunSpec
from mipp_core.runs import document as typed
from mipp_core.runs.naming import plain
from mipp_core.runs.result import Accuracies, LayerResult, LevelResult

PAIRS = [
    (typed.RecipeDocument, Recipe),
    (typed.NetworkDocument, NetworkSpec),
    (typed.SpecDocument, RunSpec),
    (typed.LayerDocument, LayerResult),
    (typed.AccuraciesDocument, Accuracies),
    (typed.LevelDocument, LevelResult),
    (typed.RunDocument, RunResult),
]
SHIPPED = [*map(load_run, shipped_runs()), *shipped_documents()]


@pytest.mark.parametrize(("document", "kind"), PAIRS)
def test_a_document_has_the_fields_of_what_it_is_of(document: Any, kind: type):
    own = {"hash"} if kind is RunResult else set()
    assert set(document.__required_keys__ | document.__optional_keys__) == {each.name for each in fields(kind)} | own


def test_the_decisions_columns_are_those_that_are_written():
    traced = next(document for document in SHIPPED if document["decisions"])
    assert set(traced["decisions"]) == set(typed.DecisionColumns.__optional_keys__)


@pytest.mark.parametrize("document", SHIPPED, ids=lambda document: document["hash"])
def test_a_shipped_document_is_read_back_whole(document: typed.RunDocument):
    again = json.loads(json.dumps(RunResult.from_json(document).to_json()))
    assert again["hash"] == document["hash"]
    assert again["decisions"] == document["decisions"]
    for before, after in zip(document["levels"], again["levels"], strict=True):
        assert {name: after[name] for name in before if name not in ("layers", "controls")} == {
            name: value for name, value in before.items() if name not in ("layers", "controls")
        }
        for own, other in zip(before["layers"], after["layers"], strict=True):
            assert own.items() <= other.items()
        assert all(values.items() <= after["controls"][name].items() for name, values in before["controls"].items())


def test_every_shipped_run_is_what_this_code_would_make():
    """A run whose code changed must be made again: `python -m benchmarks.shipped_runs OUT`."""
    stale = [document["hash"] for document in SHIPPED if RunSpec.from_json(document["spec"]).hash != document["hash"]]
    assert not stale


def test_a_result_survives_json():
    level = LevelResult(level=0, confidence=0.5, layers=(LayerResult("fc1", 3, 2, 1 / 3, False, (0, 2)),))
    result = RunResult(RunSpec(retraining=Recipe(2, augmentation=Augmentation(flip=True))), levels=(level,))
    assert RunResult.from_json(json.loads(json.dumps(result.to_json()))) == result


@pytest.mark.parametrize("broken", [{"levels": [{"level": 0}]}, {"levels": None}])
def test_a_broken_document_is_a_sentence(broken: dict[str, Any]):
    document = {**plain(RunResult(RunSpec()).to_json()), **broken}
    with pytest.raises(SettingError, match=r"cannot be read \(.*\); make the run again"):
        RunResult.from_json(document)
