"""MIPP compared with its controls over seeds: `python -m benchmarks.controls FOLDER [FOLDER ...]`.

Reads finished runs (folders with run.json or run.json.gz) and prints, level by level, mean ± standard deviation over
the runs of the test accuracy of MIPP's units and of other units at the same per-layer counts.
"""

import sys
from pathlib import Path

import pandas as pd

from mipp_core.reports.archive import load_run
from mipp_core.reports.tables import MEASURES, curve_table


def main() -> None:
    """Print one table per measure."""
    tables = [curve_table(load_run(Path(folder))).assign(run=folder) for folder in sys.argv[1:]]
    whole = pd.concat(tables)
    removed = whole.groupby("level").sparsity.agg(["mean", "std"])
    for measure in (name for name in MEASURES if whole[f"accuracy_{name}"].notna().any()):
        print(f"\naccuracy {measure}, %, mean ± standard deviation of {len(tables)} runs")
        grouped = 100 * whole.pivot_table(index="level", columns="choice", values=f"accuracy_{measure}", aggfunc="mean")
        spread = 100 * whole.pivot_table(index="level", columns="choice", values=f"accuracy_{measure}", aggfunc="std")
        for level in grouped.index:
            cells = [f"{name} {grouped[name][level]:6.2f} ± {spread[name][level]:5.2f}" for name in grouped.columns]
            print(f"level {level:2}  removed {removed['mean'][level]:5.1%}  " + "   ".join(cells))


if __name__ == "__main__":
    main()
