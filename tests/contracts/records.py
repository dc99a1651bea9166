"""What results depend on, written down in full: ``make records`` writes ``records.json`` anew.

``test_records.py`` compares the code with these records, so that nothing that decides a result changes unnoticed.
"""

import json
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mipp_core.augmentation import Augmentation
from mipp_core.cutting.masks import KeepMasks
from mipp_core.cutting.rebuilding import rebuild
from mipp_core.cutting.selection import Selection
from mipp_core.cutting.surgery import shrink
from mipp_core.data import DATASETS, Deformation
from mipp_core.data.dataset import Split
from mipp_core.experiments import measuring, subject
from mipp_core.experiments.masking import even_steps, schedule
from mipp_core.models import MODELS, architecture
from mipp_core.pruners import PRUNERS, Mipp, Ranker
from mipp_core.recipes import RECIPES, Recipe
from mipp_core.reports.comparison import ENTRIES, leader, member
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.runs.naming import neutral_values, plain
from mipp_core.runs.revisions import STAGES
from mipp_core.training import train

FILE = Path(__file__).parent / "records.json"
REMEDY = (
    "Raise the revision that goes with it (mipp_core/runs/revisions.py says where it is), so that runs get new names "
    "and no store serves old results under them."
)
DIGITS = 6
"""Significant digits of recorded numbers; they are compared to three, as processors differ in the last ones."""


def declared() -> dict[str, Any]:
    """Return the full JSON of every specification, recipe and pruner, with revisions, and all constants of stages."""
    live = {name: card.recipes.live_pair() for name, card in DATASETS.items()}
    bases = {name: leader(NetworkSpec(dataset=name, recipe=pair[0]), True, pair[1]) for name, pair in live.items()}
    return plain(
        {
            "specifications": {
                "RunSpec()": RunSpec(),
                **{f"Compare on {name}": base for name, base in bases.items()},
                **{f"Compare's {name}": member(bases["mnist"], name) for name in ENTRIES},
            },
            "recipes": {name: {**plain(recipe), "revision": Recipe.revision} for name, recipe in RECIPES.items()},
            "pruners": {name: pruner_record(kind) for name, kind in PRUNERS.items()},
            "models": {name: {"widths": card.widths, "revision": card.revision} for name, card in MODELS.items()},
            "datasets": {name: _dataset(card) for name, card in DATASETS.items()},
            "selection": {**plain(Selection()), "revision": Selection.revision},
            "augmentation": Augmentation(),
            "stages": STAGES,
            "constants": {
                "rebuilt on": subject.REBUILD_ON,
                "judged on": subject.JUDGE_ON,
                "pruned on, streamed": subject._PRUNE_ON,
                "compared on": measuring._COMPARE_ON,
                "schedule": schedule(),
                "even steps": even_steps(),
            },
            "neutral values": neutral_values(),
        }
    )


def pruner_record(kind: type[Any]) -> dict[str, Any]:
    """Return what is recorded of a pruner."""
    scopes = kind.scopes if issubclass(kind, Ranker) else ()
    return {"revision": kind.revision, "scopes": scopes, "rewinds": kind.rewinds, "settings": kind()}


def _dataset(card: Any) -> dict[str, Any]:
    kept = {each.name: getattr(card, each.name) for each in fields(card) if each.name in _IMAGES}
    return {**kept, "recipes": card.recipes}


_IMAGES = ("image_shape", "train_size", "test_size", "normalisation", "revision")


def answers(recorded: dict[str, Any]) -> dict[str, list[float]]:
    """Return what the code makes of a small network and fixed images, as numbers.

    Args:
        recorded: pruner -> its record; it is run with those settings, so that a changed default changes no answer.
    """
    model, split = _network(), _images()
    found: dict[str, list[float]] = {}
    for name, kind in PRUNERS.items():
        if "normalisation" not in kind.needs:
            found[f"pruner {name}"] = _answer(kind, recorded.get(name, {}).get("settings", {}), model, split)
    for name, card in MODELS.items():
        if card.widths:
            found[f"model {name}"] = _initial(name)
    generator = torch.Generator().manual_seed(4)
    found["images augmented"] = (
        Augmentation(padding=1, flip=True, cutout=2).apply(split.images[:3], generator).flatten().tolist()
    )
    grey = torch.linspace(0, 1, 2 * 28 * 28).view(2, 1, 28, 28)
    found["images deformed"] = Deformation(0.5, 3).apply(grey, "train").flatten()[::49].tolist()
    trained = _network()
    train(trained, split, Recipe(2, batch_size=40, milestones=(1,)), seed=3)
    found["recipe"] = _weights(trained)
    masks = KeepMasks({"fc1": torch.arange(8) < 5, "fc2": torch.arange(6) % 2 == 0})
    slim = shrink(trained, masks)
    found["cut"] = _weights(slim)
    rebuild(trained, slim, masks, split.images)
    found["rebuild"] = _weights(slim)
    return {name: [float(f"{value:.{DIGITS}g}") for value in values] for name, values in found.items()}


def _network() -> nn.Module:
    return architecture("mlp", (1, 4, 4), 3, (8, 6)).build(seed=1).eval()


def _images() -> Split:
    images = torch.randn(240, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    return Split(images, torch.arange(240) % 3)


def _answer(kind: type[Any], settings: dict[str, Any], model: nn.Module, split: Split) -> list[float]:
    known = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    pruner = kind(**known) if known.keys() <= {each.name for each in fields(kind)} else kind()
    if isinstance(pruner, Ranker):
        return [value for scores in pruner.scores(model, split, 0).values() for value in scores.tolist()]
    if isinstance(pruner, Mipp):
        pruner = replace(pruner, **_QUICK)
    decisions = pruner.decide(model, split, 0, (0.5,), lambda _: None)
    gains = [decision.gain.estimates for decision in decisions[:3] if decision.gain is not None]
    return [value for estimates in gains for value in estimates]


_QUICK: dict[str, Any] = {"members": 2, "hidden": (16,), "fit_steps": 40, "refit_steps": 5, "unit_steps": 3}


def _initial(name: str) -> list[float]:
    """Return a family's initial weights as norms; small widths keep this quick."""
    card = MODELS[name]
    side = max(card.smallest_image, 16)
    return _weights(architecture(name, (1, side, side), 3, tuple(4 for _ in card.widths)).build(seed=2))[:6]


def _weights(model: nn.Module) -> list[float]:
    return [parameter.detach().double().norm().item() for parameter in model.parameters()]


def changes(before: Any, now: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Return what differs between records, by its place; what is new does not count as a change."""
    if isinstance(before, dict) and isinstance(now, dict):
        found: dict[str, tuple[Any, Any]] = {}
        for key, value in before.items():
            found |= changes(value, now.get(key), f"{path}: {key}" if path else key)
        return found | {f"{path}: {key}": (None, now[key]) for key in now.keys() - before.keys() if path.count(":") > 1}
    return {} if _same(before, now) else {path: (before, now)}


def _same(before: Any, now: Any) -> bool:
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return all(map(_same, before, now))
    if isinstance(before, float) and isinstance(now, float):
        return abs(before - now) <= 1e-3 * max(abs(before), abs(now)) + 1e-12
    return before == now


def without_revision(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name the answers and constants that changed while the revision that goes with them stayed."""
    changed = changes({key: before[key] for key in ("answers",)}, now)
    places = [place.partition(": ")[2].partition(": ")[0] for place in changed]
    places += ["constants" for _ in changes(before["declared"]["constants"], now["declared"]["constants"])]
    return [place for place in dict.fromkeys(places) if _revision(before, place) == _revision(now, place)]


def _revision(records: dict[str, Any], place: str) -> Any:
    """Return the revision that must be raised when an answer changes."""
    declared, (kind, _, name) = records["declared"], place.partition(" ")
    if kind in ("pruner", "model"):
        return declared[f"{kind}s"].get(name, {}).get("revision")
    return declared["stages"]["train" if kind in ("recipe", "images") else "measure"]


def present() -> dict[str, Any]:
    """Return the records of the code as it is."""
    recorded = json.loads(FILE.read_text())["declared"]["pruners"] if FILE.exists() else {}
    return _as_json({"declared": declared(), "answers": answers(recorded)})


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def main() -> None:
    """Write the records, unless results changed under an old revision."""
    torch.set_num_threads(1)
    now = present()
    if FILE.exists() and (stale := without_revision(json.loads(FILE.read_text()), now)):
        sys.exit(f"{', '.join(stale)}: other results under the same revision. {REMEDY}")
    now["answers"] = _as_json(answers(now["declared"]["pruners"]))  # of the settings that are recorded from now on
    FILE.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
