"""Tables in, Plotly figures out; nothing here shows or saves one."""

from mipp_core.figures.curve import AXES, accuracy_curve, compare_curves
from mipp_core.figures.layers import ratio_bars, unit_map
from mipp_core.figures.pixels import pixel_map

__all__ = ["AXES", "accuracy_curve", "compare_curves", "pixel_map", "ratio_bars", "unit_map"]
