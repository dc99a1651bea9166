"""A comparison's finished runs as tables, for figures, pages and downloads."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from mipp_core.pruners import Decider
from mipp_core.reports.comparison import ENTRIES
from mipp_core.reports.tables import MEASURES
from mipp_core.runs.document import AccuraciesDocument, LevelDocument, RunDocument
from mipp_core.runs.result import accuracy_of, collapsed_layers
from mipp_core.vocabulary import INPUT

Documents = Mapping[str, Sequence[RunDocument]]
"""Entry -> its finished runs, one per seed."""

BIN = 0.05
"""Width of the bins of units removed in which collapse is counted, as in the MIPP paper."""

CONTROL_NAMES = {
    "random": "random, MIPP's counts",
    "magnitude": "L1, MIPP's counts",
    "scratch": "same size from scratch",
    "reinitialised": "re-initialised",
}
"""What the controls of MIPP's runs are called beside the entries."""


def points_table(documents: Documents) -> pd.DataFrame:
    """Return one row per entry, seed and level; the controls of MIPP's runs are entries of their own.

    Columns: entry, seed, level, sparsity, parameters_removed, macs_removed (shares in [0, 1]); test_pruned,
    test_recalibrated, test_rebuilt, test_retrained and the same with train (NaN where not measured); collapsed,
    untrainable (None where not retrained); kept (units of each layer, as words), run (its hash).
    """
    rows = []
    for entry, runs in documents.items():
        for run in runs:
            for level in run["levels"]:
                rows.append({"entry": entry, **_shared(run, level), **_accuracies(level)})
                rows.extend(
                    {"entry": CONTROL_NAMES[name], **_shared(run, level), **_accuracies(values), "untrainable": None}
                    for name, values in level["controls"].items()
                )
    return pd.DataFrame(rows)


def _shared(run: RunDocument, level: LevelDocument) -> dict[str, Any]:
    own = [layer for layer in level["layers"] if layer["name"] != INPUT]
    return {
        "seed": run["spec"]["network"]["seed"],
        "level": level["level"],
        "sparsity": level["sparsity"],
        "parameters_removed": 1 - level["parameters"] / run["parameters"],
        "macs_removed": 1 - level["macs"] / run["macs"],
        "collapsed": any(layer["collapsed"] for layer in own),
        "untrainable": level["untrainable"],
        "kept": "/".join(str(layer["kept"]) for layer in own),
        "run": run["hash"],
    }


def _accuracies(values: AccuraciesDocument) -> dict[str, float | None]:
    splits: tuple[Literal["test", "train"], ...] = ("test", "train")
    return {f"{split}_{name}": accuracy_of(values, name, split) for split in splits for name in MEASURES}


def collapse_table(points: pd.DataFrame) -> pd.DataFrame:
    """Return the share of runs that are untrainable, one row per entry, one column per bin of units removed.

    Bins are 5% wide, named by their lower end and all there from the first to the last that has a run; NaN where no
    run was retrained.  A run's share is that of its level: the mean over the entry's seeds, to the whole percent, so
    that seeds at 74.8% and 75.2% are in one bin.
    """
    judged = points[points.untrainable.notna()]
    if judged.empty:
        return pd.DataFrame()
    nominal = judged.groupby(["entry", "level"]).sparsity.transform("mean")
    bins = np.floor(np.round(100 * nominal + 1e-9) / (100 * BIN) + 1e-9).astype(int)
    table = judged.assign(bin=bins, untrainable=judged.untrainable.astype(float))
    found = table.pivot_table(index="entry", columns="bin", values="untrainable", aggfunc="mean", sort=False)
    found = found.reindex(columns=range(bins.min(), bins.max() + 1))
    return found.set_axis([round(number * BIN, 2) for number in map(int, found.columns)], axis="columns")


def first_collapses(documents: Documents) -> dict[str, tuple[float, list[str]]]:
    """Return, of every entry that collapses a layer, the smallest share of units removed at which it does, and which.

    Shares are in [0, 1]; layers are in the order of the network.
    """
    found = {}
    for entry, runs in documents.items():
        levels = [(level["sparsity"], collapsed_layers(level)) for run in runs for level in run["levels"]]
        dead = [(share, layers) for share, layers in levels if layers]
        if dead:
            found[entry] = min(dead, key=lambda each: each[0])
    return found


def ratio_table(documents: Documents, level: int) -> pd.DataFrame:
    """Return per-layer pruning ratios divided by the run's mean over layers, averaged over seeds.

    One row per entry, one column per layer; 1 everywhere is a uniform ratio.  NaN where nothing was removed.
    """
    found = {}
    for entry, runs in documents.items():
        rows = [_normalised(run, level) for run in runs if any(each["level"] == level for each in run["levels"])]
        if rows:
            found[entry] = pd.DataFrame(rows).mean()
    return pd.DataFrame(found).T


def _normalised(run: RunDocument, level: int) -> dict[str, float]:
    layers = next(each for each in run["levels"] if each["level"] == level)["layers"]
    ratios = {layer["name"]: layer["pruning_ratio"] for layer in layers if layer["name"] != INPUT}
    mean = sum(ratios.values()) / len(ratios)
    return {name: ratio / mean if mean else float("nan") for name, ratio in ratios.items()}


def seconds_table(documents: Documents) -> pd.DataFrame:
    """Return each entry's mean time to prune, all its levels together: entry, seconds, seeds, device."""
    rows = [
        {"entry": entry, "seconds": run["seconds"].get("prune"), "device": run["device"]}
        for entry, runs in documents.items()
        for run in runs
    ]
    table = pd.DataFrame(rows).groupby("entry", sort=False)
    return table.agg(seconds=("seconds", "mean"), seeds=("seconds", "count"), device=("device", "first")).reset_index()


def accuracy_table(points: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return mean ± standard deviation over seeds in percent, as words: one row per entry, one column per level."""
    known = points.dropna(subset=[measure])
    grouped = known.groupby(["entry", "level"], sort=False)[measure]
    words = (100 * grouped.mean()).map("{:.2f}".format) + (100 * grouped.std()).map(
        lambda spread: "" if pd.isna(spread) else f" ± {spread:.2f}"
    )
    return words.unstack("level").sort_index(axis="columns").reindex(known.entry.unique())


def latex_table(points: pd.DataFrame, measure: str) -> str:
    """Return ``accuracy_table`` as LaTeX, its columns named by the mean share of units removed."""
    table = accuracy_table(points, measure)
    removed = points.groupby("level").sparsity.mean()
    table.columns = [f"{100 * removed[level]:.1f}\\%" for level in table.columns]
    table.index = [str(name).replace("&", "\\&") for name in table.index]
    return table.fillna("--").replace("±", r"$\\pm$", regex=True).to_latex(escape=False)


def characteristics(documents: Documents, points: pd.DataFrame) -> pd.DataFrame:
    """Return what each entry declares and what its runs were seen to do; one row per entry.

    Declared by the pruner, and checked by its tests: ``data-dependent``, ``labels``, ``gradients``,
    ``activation-based``, ``adjacent layer`` (judges units by what the next layer reads), ``at initialisation`` (needs
    no training) and ``own ratio``.  Seen in these runs: ``structured`` (whatever it removed made the network smaller),
    ``layer-wise ratios`` (layers lost different shares), ``collapse-resistant`` (no run lost a layer or became
    untrainable), the smallest share of units removed at which one did, ``first collapse``, and the largest share
    looked at.
    """
    rows = {}
    for name, runs in documents.items():
        settings, own = ENTRIES[name].settings, points[points.entry == name]
        dead = own[own.collapsed | own.untrainable.eq(True)]
        rows[name] = {
            "data-dependent": "data" in settings.needs,
            "labels": "labels" in settings.needs,
            "gradients": "gradients" in settings.needs,
            "activation-based": "activations" in settings.needs,
            "adjacent layer": settings.reads_neighbour,
            "at initialisation": "training" not in settings.needs,
            "own ratio": isinstance(settings, Decider),
            "structured": bool((own[own.sparsity > 0].parameters_removed > 0).all()),
            "layer-wise ratios": _uneven(runs),
            "collapse-resistant": dead.empty,
            "first collapse": None if dead.empty else float(dead.sparsity.min()),
            "highest seen": float(own.sparsity.max()),
        }
    return pd.DataFrame(rows).T


def _uneven(runs: Sequence[RunDocument]) -> bool:
    """Tell whether layers of the same network lost shares that differ by more than a unit of the narrowest."""
    for run in runs:
        for level in run["levels"]:
            layers = [layer for layer in level["layers"] if layer["name"] != INPUT]
            ratios = [layer["pruning_ratio"] for layer in layers]
            if max(ratios) - min(ratios) > 1 / min(layer["units"] for layer in layers):
                return True
    return False
