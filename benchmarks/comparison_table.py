"""The shipped comparison in numbers: `python -m benchmarks.comparison_table [trained|untrained] [--measure rebuilt]`.

Prints test accuracy by entry where equal shares of the units, of the parameters and of the MACs are gone, mean ±
standard deviation over seeds (``mipp_core.reports.standing`` says how curves are read there), as tables in Markdown;
then MIPP's place on each axis, the time to prune, and the smallest share of units at which an entry collapsed.
"""

import argparse

import pandas as pd

from mipp_core.reports.archive import shipped_documents
from mipp_core.reports.comparison import ENTRIES, name_of
from mipp_core.reports.comparison_tables import Documents, characteristics, points_table, seconds_table
from mipp_core.reports.standing import COSTS, Summary, at_equal_cost, summaries
from mipp_core.reports.tables import MEASURES
from mipp_core.reports.verdicts import verdict
from mipp_core.runs import RunSpec

SHARES = (0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.87, 0.95)
"""Of an axis; those are printed that three entries or more reach."""

_FEWEST = 3


def documents(trained: bool) -> Documents:
    """Return the shipped runs by entry."""
    found: dict[str, list] = {}
    for run in shipped_documents("comparison-*"):
        spec = RunSpec.from_json(run["spec"])
        name = name_of(spec)
        if spec.trained == trained and name is not None:
            found.setdefault(name, []).append(run)
    return {name: found[name] for name in ENTRIES if name in found}


def table(points: pd.DataFrame, measure: str, axis: str) -> str:
    """Return accuracies at equal shares of an axis, one line per entry, in Markdown."""
    known = dict(summaries(at_equal_cost(points, measure, axis)))
    columns = [share for share in SHARES if len(known.get(share, {})) >= _FEWEST]
    names = dict.fromkeys(name for share in columns for name in known[share])
    head = ["", *(f"{share:.0%}" for share in columns)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name in [each for each in ENTRIES if each in names] + [each for each in names if each not in ENTRIES]:
        cells = [_cell(known[share].get(name)) for share in columns]
        lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(lines)


def _cell(found: Summary | None) -> str:
    return "" if found is None else f"{100 * found.mean:.2f} ± {100 * found.deviation:.2f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("start", nargs="?", choices=("trained", "untrained"), default="trained")
    parser.add_argument("--measure", choices=MEASURES, default="retrained")
    chosen = parser.parse_args()
    runs = documents(chosen.start == "trained")
    points, measure = points_table(runs), f"test_{chosen.measure}"
    for axis in COSTS:
        print(f"\nTest accuracy, {chosen.measure}, %, by {axis}\n\n{table(points, measure, axis)}\n")
        print(verdict(at_equal_cost(points, measure, axis), "MIPP", list(runs)))
        print(verdict(at_equal_cost(points, measure, axis), "MIPP closed form", list(runs)))
    with pd.option_context("display.width", 200, "display.max_rows", None, "display.max_columns", None):
        print(f"\n{seconds_table(runs).round(1).to_string(index=False)}")
        print(f"\n{characteristics(runs, points)[['first collapse', 'highest seen']]}")


if __name__ == "__main__":
    main()
