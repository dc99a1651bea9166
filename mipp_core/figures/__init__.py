"""Turns tables into Plotly figures; nothing here shows or saves them."""

from mipp_core.figures.comparison import ceiling, comparison_panels, cost_chart
from mipp_core.figures.curve import AXES, accuracy_curve, compare_curves
from mipp_core.figures.entries import Look
from mipp_core.figures.layers import unit_map
from mipp_core.figures.palette import CALLED, HIGHLIGHTS
from mipp_core.figures.ratios import ratio_map
from mipp_core.figures.seconds import time_chart

__all__ = [
    "AXES",
    "CALLED",
    "HIGHLIGHTS",
    "Look",
    "accuracy_curve",
    "ceiling",
    "compare_curves",
    "comparison_panels",
    "cost_chart",
    "ratio_map",
    "time_chart",
    "unit_map",
]
