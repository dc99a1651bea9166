"""A run's document as tables, for figures and downloads."""

from typing import Literal

import pandas as pd

from mipp_core.information.confidence import quantile
from mipp_core.runs.document import LevelDocument, RunDocument
from mipp_core.runs.result import accuracy_of, entry_of
from mipp_core.vocabulary import INPUT

Measure = Literal["pruned", "recalibrated", "rebuilt", "retrained"]

MEASURES: tuple[Measure, ...] = ("pruned", "recalibrated", "rebuilt", "retrained")
"""The test accuracies of a slim network; recalibrated ones only where there are batch normalisations."""


def measures_of(run: RunDocument) -> tuple[Measure, ...]:
    """Return the accuracies that the document may have: recalibrated ones only if some level has one."""
    found = any(values.get("accuracy_recalibrated") is not None for values in run["levels"])
    return tuple(name for name in MEASURES if found or name != "recalibrated")


def curve_table(run: RunDocument) -> pd.DataFrame:
    """Return one row per level and choice of units.

    Columns: choice (``mipp``, a control), seed, level, confidence; sparsity, parameters_removed, macs_removed (shares
    in [0, 1]); accuracy_pruned, accuracy_recalibrated, accuracy_rebuilt, accuracy_retrained (NaN where not measured).
    """
    rows = []
    for level in run["levels"]:
        shared = {
            "seed": run["spec"]["network"]["seed"],
            "level": level["level"],
            "confidence": level["confidence"],
            "sparsity": level["sparsity"],
            "parameters_removed": 1 - level["parameters"] / run["parameters"],
            "macs_removed": 1 - level["macs"] / run["macs"],
        }
        for choice, values in {run["spec"]["pruner"]: level, **level["controls"]}.items():
            measured = {f"accuracy_{name}": accuracy_of(values, name) for name in MEASURES}
            rows.append({"choice": choice, **shared, **measured})
    return pd.DataFrame(rows)


def headline(run: RunDocument) -> dict[str, float | None]:
    """Return the figures that sum a run up, shares in [0, 1].

    Keys: ``dense`` (its test accuracy); ``removed``, the largest sparsity whose retrained accuracy is within one point
    of it, and ``pixels``, the largest share of the pixels of which that is true; None while unknown, or where there is
    none.
    """
    dense = run["dense_accuracy"]
    near = [
        level
        for level in run["levels"]
        if dense is not None and level["accuracy_retrained"] is not None and dense - level["accuracy_retrained"] <= 0.01
    ]
    pixels = [layer["pruning_ratio"] for level in near for layer in level["layers"] if layer["name"] == INPUT]
    removed = max((level["sparsity"] for level in near), default=None)
    return {"dense": dense, "removed": removed, "pixels": max(pixels, default=None)}


def layer_table(level: LevelDocument) -> pd.DataFrame:
    """Return one row per layer: name, units, kept, pruning_ratio, collapsed, kept_units, passed_by."""
    return pd.DataFrame(level["layers"])


def decision_table(run: RunDocument, level: int) -> pd.DataFrame:
    """Return TERC's decisions that hold at a level, in the order they were made.

    Columns: layer, unit, order, tested_with, gain (mean over estimates), standard_error, z, needed (z_x), kept.
    """
    confidence = entry_of(run, level)["confidence"]
    table = pd.DataFrame(run["decisions"])
    if table.empty or confidence is None:
        return pd.DataFrame()
    table = table[(table.first_level <= level) & (table.last_level >= level)].reset_index(drop=True)
    table["kept"] = table.removed_from > level
    table["gain"] = [sum(g) / len(g) if isinstance(g, list) else None for g in table.gains]
    table["needed"] = quantile(confidence)
    return table[["layer", "unit", "order", "tested_with", "gain", "standard_error", "z", "needed", "kept"]]


def decimals_that_tell(table: pd.DataFrame, least: int = 2, most: int = 6) -> int:
    """Return with how many decimals no z is written like the one needed, though it is another.

    Args:
        table: what ``decision_table`` returns, or some of its rows.
        least: decimals at least.
        most: decimals at most, however close two are.
    """
    apart = table[table.z.notna() & (table.z != table.needed)].astype({"z": float})
    for decimals in range(least, most):
        if not (apart.z.round(decimals) == apart.needed.round(decimals)).any():
            return decimals
    return most


def deaths(run: RunDocument) -> dict[str, int]:
    """Name the layers that collapse somewhere in the sweep, with the first level at which each does."""
    first: dict[str, int] = {}
    for level in run["levels"]:
        for layer in level["layers"]:
            if layer["collapsed"]:
                first.setdefault(layer["name"], level["level"])
    return first
