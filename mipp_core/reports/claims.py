"""What the MIPP paper's evaluation claims, each held against results of ours, with figures taken from those results.

Verdicts follow from the documents alone.  Where a claim is about networks or images that nobody could run here, or
where the runs that would tell are not at hand, that is what is said.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Literal

import pandas as pd

from mipp_core.reports.archive import load_run, shipped_documents, shipped_runs
from mipp_core.reports.comparison import name_of
from mipp_core.reports.comparison_tables import points_table
from mipp_core.reports.standing import at_equal_cost, read_at
from mipp_core.reports.tables import curve_table
from mipp_core.reports.verdicts import places, verdict
from mipp_core.runs import RunSpec
from mipp_core.runs.document import LevelDocument, RunDocument
from mipp_core.vocabulary import INPUT

Ruling = Literal["confirmed", "refuted", "partly", "not tested", "not testable here"]
"""What our figures say of a claim."""

FULL = 0.005
"""Accuracy within half a point of the dense network's counts as full accuracy."""

SPARSE = 0.9
"""From here on the paper speaks of high sparsity."""

PAPERS = ("SynFlow", "GraSP", "ThiNet", "SOSP-H")
"""What the paper compares with; IMP and the iterative ones are in its later version."""

_COLLAPSES = {"l1": "trained-0", "l2": "collapse-l2-0", "std": "collapse-std-0"}
"""The runs with each function; the mean magnitude is the L1 norm divided by a constant, which changes nothing."""

Comparison = Mapping[str, Sequence[RunDocument]]


@dataclass(frozen=True)
class Evidence:
    """Results that claims are held against; what is missing is empty.

    Attributes:
        trained, untrained: entry -> its runs, one per seed, on networks after and before training.
        runs: other runs, by the name they are shipped under.
    """

    trained: Comparison
    untrained: Comparison
    runs: Mapping[str, RunDocument]


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        words: what is claimed.
        place: where in the paper.
        ruling: what our figures say.
        figures: ours, in words.
    """

    words: str
    place: str
    ruling: Ruling
    figures: str


def shipped_evidence() -> Evidence:
    """Gather the results that come with the package."""
    starts: dict[bool, dict[str, list[RunDocument]]] = {True: {}, False: {}}
    for run in shipped_documents("comparison-*"):
        name = name_of(RunSpec.from_json(run["spec"]))
        if name:
            starts[run["spec"]["trained"]].setdefault(name, []).append(run)
    known = {folder.name: load_run(folder) for folder in shipped_runs()}
    return Evidence(starts[True], starts[False], {name: run for name, run in known.items() if run})


def claims(evidence: Evidence) -> list[Claim]:
    """Return every claim of the paper's evaluation with our figures beside it."""
    return [judge(evidence) for judge in _JUDGES]


def _best_when_trained(evidence: Evidence) -> Claim:
    words, place = "Of trained networks, MIPP keeps the units that lead to the best accuracy.", "Figure 2, Section 5"
    return Claim(words, place, *_stands(evidence.trained, must_lead=True))


def _competitive_untrained(evidence: Evidence) -> Claim:
    words, place = "At initialisation, MIPP is competitive.", "Figure 2, Section 5"
    return Claim(words, place, *_stands(evidence.untrained, must_lead=False))


def _stands(documents: Comparison, must_lead: bool) -> tuple[Ruling, str]:
    """Judge MIPP's accuracy at equal units; to lead it must be ahead somewhere and behind nowhere."""
    rivals = [name for name in PAPERS if name in documents]
    if "MIPP" not in documents or not rivals:
        return "not tested", "No comparison at hand."
    table = at_equal_cost(points_table(documents), "test_retrained", "sparsity")
    states = {found.state for share, found in places(table, "MIPP", rivals).items() if share > 0}
    lost, won = "behind" in states, "ahead" in states
    rulings: tuple[Ruling, Ruling] = ("partly" if won or not must_lead else "refuted", "confirmed")
    ruling = rulings[0] if lost else rulings[1] if won or not must_lead else "partly"
    return ruling, f"{_what(documents)}: {verdict(table, 'MIPP', rivals)}"


def _what(documents: Comparison) -> str:
    runs = documents["MIPP"]
    network = runs[0]["spec"]["network"]
    return f"{network['model']} on {network['dataset']}, {len(runs)} seed{'s' if len(runs) > 1 else ''}"


def _robust_against_collapse(evidence: Evidence) -> Claim:
    words = "Above 90% removed, MIPP is the pruner least often untrainable."
    parts, rulings = [], set[Ruling]()
    for start, documents in (("trained", evidence.trained), ("at initialisation", evidence.untrained)):
        rates = _untrainable(documents)
        own = rates.pop("MIPP", None)
        if own is None or not rates:
            parts.append(f"{start}: no run of MIPP and of another removed {SPARSE:.0%} or more")
            continue
        least = min(rates, key=lambda name: rates[name][0])
        most = max(rates, key=lambda name: rates[name][0])
        rulings.add(_least_often(own[0], rates[least][0], rates[most][0]))
        parts.append(f"{start}: MIPP {_rate(own)}, {least} {_rate(rates[least])}, {most} {_rate(rates[most])}")
    return Claim(words, "Figure 3", _all(rulings), f"Untrainable runs; {'; '.join(parts)}.")


def _least_often(own: float, least: float, most: float) -> Ruling:
    """Judge a rate against the lowest and the highest of the others; where all are equal, nothing sets it apart."""
    if own == least == most:
        return "partly"
    return "confirmed" if own <= least else "refuted"


def _untrainable(documents: Comparison) -> dict[str, tuple[float, int]]:
    """Return, of every entry, the share of its networks above 90% that stayed at chance, and how many there are."""
    found = {}
    for name in ("MIPP", *PAPERS):
        levels = [level for run in documents.get(name, ()) for level in run["levels"] if level["sparsity"] >= SPARSE]
        judged = [level["untrainable"] for level in levels if level["untrainable"] is not None]
        if judged:
            found[name] = (sum(judged) / len(judged), len(judged))
    return found


def _rate(found: tuple[float, int]) -> str:
    return f"{found[0]:.0%} of {found[1]}"


def _deformed(evidence: Evidence) -> Claim:
    words = "Deformed images hurt MIPP only at initialisation: after training it still prunes far."
    starts = ("trained", "untrained")
    pairs = [[evidence.runs.get(f"{kind}{start}-0") for kind in ("", "deformed-")] for start in starts]
    found = [run for pair in pairs for run in pair if run]
    share = _common_share(found)
    if len(found) < 4 or share is None:
        return Claim(words, "Figure 1", "not tested", "No runs on deformed digits at hand.")
    trained, untrained = (
        _loss(deformed, share) - _loss(plain, share) for plain, deformed in pairs if plain and deformed
    )
    worse = untrained > max(trained, FULL)
    ruling: Ruling = "refuted" if not worse else "confirmed" if trained <= FULL else "partly"
    said = f"trained {100 * trained:+.2f} points, untrained {100 * untrained:+.2f} points"
    return Claim(
        words, "Figure 1", ruling, f"What deforming adds to the loss at {share:.0%} removed, one seed: {said}."
    )


def _common_share(runs: Sequence[RunDocument]) -> float | None:
    """Return the largest share of units, to whole percents, that all runs reach and can be trained at."""
    tops = [max([0.0, *(level["sparsity"] for level in run["levels"] if _learns(level))]) for run in runs]
    reached = min(tops, default=0.0)
    return floor(100 * reached + 1e-9) / 100 if reached else None


def _learns(level: LevelDocument) -> bool:
    return level["accuracy_retrained"] is not None and not level["untrainable"]


def _loss(run: RunDocument, share: float) -> float:
    """Return how much accuracy is lost at a share of the units, after retraining."""
    return _dense(run) - _retrained(run, share)


def _dense(run: RunDocument) -> float:
    known = run["dense_accuracy"]
    assert known is not None  # measured before any level is
    return known


def _retrained(run: RunDocument, share: float) -> float:
    table = _curve(run)
    return float(read_at(table.sparsity.to_numpy(), table[["accuracy_retrained"]].to_numpy(), [share])[0, 0])


def _curve(run: RunDocument) -> pd.DataFrame:
    table = curve_table(run)
    own = table[table.choice == run["spec"]["pruner"]].dropna(subset=["accuracy_retrained"])
    return own.groupby("sparsity", as_index=False).max(numeric_only=True)


def _collapse_functions(evidence: Evidence) -> Claim:
    words = "Of the functions that turn a map into a number, the L1 norm is the best."
    every = {name: evidence.runs.get(run) for name, run in _COLLAPSES.items()}
    found = {name: run for name, run in every.items() if run}
    share = _common_share(list(found.values()))
    if len(found) < len(_COLLAPSES) or share is None:
        return Claim(words, "Figure 10, Appendix E.2", "not tested", "No runs with the other functions at hand.")
    reached = {name: _retrained(run, share) for name, run in found.items()}
    ahead = reached["l1"] - max(value for name, value in reached.items() if name != "l1")
    ruling: Ruling = "partly" if abs(ahead) < FULL else "confirmed" if ahead > 0 else "refuted"
    said = ", ".join(f"{name} {value:.2%}" for name, value in reached.items())
    tie = "; the best two are too close to tell with one seed" if abs(ahead) < FULL else ""
    return Claim(words, "Figure 10, Appendix E.2", ruling, f"Retrained, {share:.0%} removed, one seed: {said}{tie}.")


def _pixels(evidence: Evidence) -> Claim:
    words, place = "75% of the pixels can be removed at full accuracy.", "Appendix E.1"
    return Claim(
        words, place, *_at_full(evidence.runs.get("pixels-0"), _pixels_removed, 0.75, "pixels (units go with them)")
    )


def _pixels_removed(level: LevelDocument) -> float:
    return next(layer["pruning_ratio"] for layer in level["layers"] if layer["name"] == INPUT)


def _neurons(evidence: Evidence) -> Claim:
    words, place = "90% of the neurons of LeNet5 can be removed at full accuracy.", "Section 5"
    return Claim(
        words, place, *_at_full(evidence.runs.get("trained-0"), lambda level: level["sparsity"], SPARSE, "units")
    )


def _at_full(
    run: RunDocument | None, removed: Callable[[LevelDocument], float], wanted: float, of: str
) -> tuple[Ruling, str]:
    """Judge whether enough went at full accuracy, from the levels of one run."""
    if run is None:
        return "not tested", "No run at hand."
    dense = _dense(run)
    shares = {removed(level): level["accuracy_retrained"] or 0.0 for level in run["levels"]}
    most = max((share for share, reached in shares.items() if reached >= dense - FULL), default=0.0)
    top = max(shares, default=0.0)
    said = f"One seed: {most:.0%} of the {of} within {100 * FULL:.1f} points of {dense:.2%}"
    if top < wanted and most == top:
        return "not tested", f"{said}; no level removed {wanted:.0%}."
    return ("confirmed" if most >= wanted else "refuted"), f"{said}; at most {top:.0%} were removed."


def _imagenet(_: Evidence) -> Claim:
    return Claim(
        "ResNet50 on ImageNet: MIPP removes 71.1% of a pretrained network's units and generalises better than ThiNet.",
        "Figure 6",
        "not testable here",
        "ImageNet could not be had, and nothing was run on it.",
    )


def _all(rulings: set[Ruling]) -> Ruling:
    """Return one ruling for several."""
    if not rulings:
        return "not tested"
    return next(iter(rulings)) if len(rulings) == 1 else "partly"


_JUDGES: tuple[Callable[[Evidence], Claim], ...] = (
    _best_when_trained,
    _competitive_untrained,
    _robust_against_collapse,
    _deformed,
    _collapse_functions,
    _pixels,
    _neurons,
    _imagenet,
)
