"""The paper's claims: rulings follow from documents alone, whichever way they point."""

from copy import deepcopy

import pytest

from mipp_core.reports.claims import Claim, Evidence, claims, shipped_evidence
from mipp_core.runs.document import RunDocument
from mipp_core.vocabulary import INPUT


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return shipped_evidence()


def claim(evidence: Evidence, start: str) -> Claim:
    (found,) = [each for each in claims(evidence) if each.words.startswith(start)]
    return found


def changed(run: RunDocument, **shift: float) -> RunDocument:
    """Return a run with numbers of all levels shifted."""
    new = deepcopy(run)
    for level in new["levels"]:
        for name, by in shift.items():
            level[name] += by
    return new


def test_without_results_nothing_is_told():
    found = claims(Evidence({}, {}, {}))
    assert {each.ruling for each in found} == {"not tested", "not testable here"}
    assert len({each.words for each in found}) == len(found) == 8


def test_the_shipped_results_tell_something(evidence: Evidence):
    found = {each.words: each for each in claims(evidence)}
    assert len(found) == 8
    assert claim(evidence, "Of trained networks").ruling in ("confirmed", "partly", "refuted")
    assert "MIPP is" in claim(evidence, "Of trained networks").figures


@pytest.mark.parametrize(("by", "ruling"), [(0.05, "confirmed"), (-0.05, "refuted")])
def test_accuracy_of_trained_networks_goes_either_way(evidence: Evidence, by: float, ruling: str):
    mipp = [changed(run, accuracy_retrained=by) for run in evidence.trained["MIPP"]]
    moved = Evidence({**evidence.trained, "MIPP": mipp}, evidence.untrained, evidence.runs)
    assert claim(moved, "Of trained networks").ruling == ruling


def test_at_initialisation_a_tie_is_enough(evidence: Evidence):
    same = {"MIPP": evidence.untrained["MIPP"], "SynFlow": evidence.untrained["MIPP"]}
    assert claim(Evidence({}, same, {}), "At initialisation").ruling == "confirmed"
    worse = {**same, "MIPP": [changed(run, accuracy_retrained=-0.2) for run in same["MIPP"]]}
    assert claim(Evidence({}, worse, {}), "At initialisation").ruling == "partly"


def sparse(run: RunDocument, untrainable: bool) -> RunDocument:
    new = deepcopy(run)
    new["levels"][-1] |= {"sparsity": 0.95, "untrainable": untrainable}
    return new


@pytest.mark.parametrize(
    ("own", "others", "ruling"),
    [(False, True, "confirmed"), (True, False, "refuted"), (False, False, "partly"), (True, True, "partly")],
)
def test_collapse_above_90_percent_is_counted(evidence: Evidence, own: bool, others: bool, ruling: str):
    runs = evidence.trained["MIPP"]
    documents = {"MIPP": [sparse(run, own) for run in runs], "SynFlow": [sparse(run, others) for run in runs]}
    found = claim(Evidence(documents, {}, {}), "Above 90%")
    assert found.ruling == ruling
    worse = {"MIPP": [sparse(run, True) for run in runs], "SynFlow": [sparse(run, False) for run in runs]}
    both = claim(Evidence(worse, documents, {}), "Above 90%").ruling
    assert both == ("refuted" if ruling == "refuted" else "partly"), "one start does not hide the other"
    assert f"MIPP {own:.0%} of {len(runs)}" in found.figures


@pytest.mark.parametrize(
    ("trained", "untrained", "ruling"), [(0.0, -0.1, "confirmed"), (-0.05, -0.1, "partly"), (-0.1, 0.0, "refuted")]
)
def test_deformed_digits(evidence: Evidence, trained: float, untrained: float, ruling: str):
    run = evidence.runs["trained-0"]
    runs = {
        "trained-0": run,
        "untrained-0": run,
        "deformed-trained-0": changed(run, accuracy_retrained=trained),
        "deformed-untrained-0": changed(run, accuracy_retrained=untrained),
    }
    assert claim(Evidence({}, {}, runs), "Deformed").ruling == ruling


@pytest.mark.parametrize(("by", "ruling"), [(0.0, "partly"), (0.02, "confirmed"), (-0.02, "refuted")])
def test_collapse_functions(evidence: Evidence, by: float, ruling: str):
    run = evidence.runs["trained-0"]
    runs = {"trained-0": changed(run, accuracy_retrained=by), "collapse-l2-0": run, "collapse-std-0": run}
    assert claim(Evidence({}, {}, runs), "Of the functions").ruling == ruling


@pytest.mark.parametrize(("share", "ruling"), [(0.8, "confirmed"), (0.3, "not tested")])
def test_pixels_at_full_accuracy(evidence: Evidence, share: float, ruling: str):
    run = changed(evidence.runs["pixels-0"])
    for level in run["levels"]:
        level["accuracy_retrained"] = run["dense_accuracy"]
        for layer in level["layers"]:
            layer["pruning_ratio"] = share if layer["name"] == INPUT else 0.0
    assert claim(Evidence({}, {}, {"pixels-0": run}), "75% of the pixels").ruling == ruling
