"""Whether a run's levels are nested: what a level removes, all higher levels remove, too."""

from dataclasses import dataclass
from itertools import pairwise

from mipp_core.pruners import ClosedForm, Mipp, Ranker
from mipp_core.runs.document import LevelDocument, RunDocument
from mipp_core.runs.spec import RunSpec


@dataclass(frozen=True)
class Crossing:
    """Two levels, one after the other, of which the higher keeps what the lower removed.

    Attributes:
        lower, higher: their numbers.
        back: units that the lower removed and the higher keeps, pixels included; at least 1.
        fewer: how many units fewer the higher removes in all; 0 or less if it removes as many or more.
    """

    lower: int
    higher: int
    back: int
    fewer: int


def crossings(run: RunDocument) -> list[Crossing]:
    """Return where a run's levels are not nested, from its own keep-masks; empty where all are."""
    found = []
    for lower, higher in pairwise(_in_order(run)):
        before, after = _kept(lower), _kept(higher)
        back = sum(len(after[name] - before.get(name, set())) for name in after)
        if back:
            fewer = sum(map(len, after.values())) - sum(map(len, before.values()))
            found.append(Crossing(lower["level"], higher["level"], back, fewer))
    return found


def largest_step(run: RunDocument) -> float:
    """Return the largest share of the units that one level removes beyond the level below it, in [0, 1]."""
    shares = [level["sparsity"] for level in _in_order(run)]
    return max((after - before for before, after in pairwise(shares)), default=0.0)


def why(run: RunDocument) -> str:
    """Say why this run's levels are nested or not, after its pruner and settings."""
    spec = RunSpec.from_json(run["spec"])
    if isinstance(spec.settings, ClosedForm):
        one_path = spec.settings.path == "common" and spec.settings.order == "greedy"
        return "all levels remove units in one order" if one_path else "each level removes units in an order of its own"
    if isinstance(spec.settings, Mipp):
        return "each level decides by itself, from regressors of its own, so that noise can part them"
    if isinstance(spec.settings, Ranker) and spec.settings.scores_once:
        return "all shares remove units in one order"
    return "units are chosen anew for every level"


def _in_order(run: RunDocument) -> list[LevelDocument]:
    """Return the levels by their numbers; a pruner's own cut stands where its share belongs."""
    own = RunSpec.from_json(run["spec"]).own_point
    return sorted(run["levels"], key=lambda level: level["level"] if own is None else level["sparsity"])


def _kept(level: LevelDocument) -> dict[str, set[int]]:
    return {layer["name"]: set(layer["kept_units"]) for layer in level["layers"]}
