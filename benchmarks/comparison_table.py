"""The shipped comparison in numbers: `python -m benchmarks.comparison_table [trained|untrained]`.

Prints test accuracy by entry and level, mean ± standard deviation over seeds: pruned, rebuilt and retrained; then the
time to prune, and the smallest share of units removed at which a run of each entry collapsed.
"""

import sys

import pandas as pd

from mipp_core.reports.archive import shipped_documents
from mipp_core.reports.comparison import ENTRIES, name_of
from mipp_core.reports.comparison_tables import Documents, accuracy_table, characteristics, points_table, seconds_table
from mipp_core.reports.tables import MEASURES
from mipp_core.runs import RunSpec


def documents(trained: bool) -> Documents:
    """Return the shipped runs by entry."""
    found: dict[str, list] = {}
    for run in shipped_documents("comparison-*"):
        spec = RunSpec.from_json(run["spec"])
        name = name_of(spec)
        if spec.trained == trained and name is not None:
            found.setdefault(name, []).append(run)
    return {name: found[name] for name in ENTRIES if name in found}


def main() -> None:
    """Print the tables."""
    runs = documents((sys.argv[1:] or ["trained"])[0] == "trained")
    points = points_table(runs)
    removed = points.groupby("level").sparsity.mean()
    with pd.option_context("display.width", 200, "display.max_rows", None, "display.max_columns", None):
        for measure in (name for name in MEASURES if points[f"test_{name}"].notna().any()):
            table = accuracy_table(points, f"test_{measure}")
            table.columns = [f"{level}: {removed[level]:.1%}" for level in table.columns]
            print(f"\ntest accuracy {measure}, %, by level and units removed\n{table.fillna('')}")
        print(f"\n{seconds_table(runs).round(1).to_string(index=False)}")
        print(f"\n{characteristics(runs, points)[['first collapse', 'highest seen']]}")


if __name__ == "__main__":
    main()
