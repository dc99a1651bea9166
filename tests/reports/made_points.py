"""Tables of points made by hand."""

import pandas as pd


def points(curves, measure="test_retrained"):
    """Make a table of points of entry -> a curve per seed, as (share, accuracy) pairs; the other costs are half."""
    rows = [
        {"entry": entry, "seed": seed, "level": level, "sparsity": share, "parameters_removed": share / 2,
         "macs_removed": share / 2, measure: accuracy}
        for entry, seeds in curves.items()
        for seed, curve in enumerate(seeds)
        for level, (share, accuracy) in enumerate(curve)
    ]  # fmt: skip
    return pd.DataFrame(rows)
