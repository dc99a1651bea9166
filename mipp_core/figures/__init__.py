"""Turns tables into Plotly figures; nothing here shows or saves them."""

from mipp_core.figures.comparison import comparison_curves, comparison_panels, seconds_bars, share_map
from mipp_core.figures.curve import AXES, accuracy_curve, compare_curves
from mipp_core.figures.layers import MANY, block_bars, ratio_bars, unit_map
from mipp_core.figures.pixels import pixel_map

__all__ = [
    "AXES",
    "MANY",
    "accuracy_curve",
    "block_bars",
    "compare_curves",
    "comparison_curves",
    "comparison_panels",
    "pixel_map",
    "ratio_bars",
    "seconds_bars",
    "share_map",
    "unit_map",
]
