"""One meaning per colour, in every chart and view; each told apart by colour-blind readers and on white and black.

Measures of accuracy have the strong colours of the Okabe-Ito palette, and what is chosen its amber.  Units are drawn in
neutral slate, as ink is: strong if kept, faint if removed.  Pruners, which never share a chart with measures, have
colours of their own.  Violet, the theme's, is for what can be pressed and what is switched on.
"""

from collections.abc import Mapping
from types import MappingProxyType

KEPT = "#66717F"
REMOVED = "rgba(136, 136, 136, 0.24)"
DENSE = "#888888"
CHOSEN = "#E69F00"

MEASURES = {"pruned": "#D55E00", "recalibrated": "#CC79A7", "rebuilt": "#009E73", "retrained": "#0072B2"}
"""Accuracy right after cutting, after recalibrating the normalisations, after rebuilding and after retraining."""

CALLED = MappingProxyType({"pruned": "cut"})
"""What readers call a measure where that is another word, so that *pruned* is left for what all of them are."""

DASHES = {"mipp": "solid", "random": "dot", "magnitude": "dash", "scratch": "dashdot"}
"""Choice of units -> dash; others are drawn solid."""

MARKERS = {"mipp": "circle", "random": "x-thin-open", "magnitude": "diamond-open", "scratch": "square-open"}

SERIES = (
    "#AA3377",
    "#3C9DC8",
    "#999933",
    "#A65628",
    "#AA4499",
    "#6B8FD0",
    "#3A9A8B",
    "#8A9A5B",
    "#9C7A4D",
    "#888888",
)
"""For whatever is compared: wine, sky and olive first, which are furthest apart."""

HIGHLIGHTS = SERIES[:3]
"""For the few entries of a comparison that stand out."""

OTHERS = "#888888"
"""For everything that a highlight stands out from."""

PRUNERS: Mapping[str, str] = MappingProxyType(
    {
        "mipp": SERIES[0],
        "mipp-closed-form": SERIES[1],
        "cmi": SERIES[2],
        "magnitude-after": SERIES[4],
        "imp": SERIES[3],
        "snip": SERIES[5],
        "synflow": SERIES[6],
        "grasp": SERIES[7],
        "magnitude-at-init": SERIES[8],
        "random": SERIES[9],
    }
)
"""Pruner -> its colour wherever it has one of its own."""

SPARED, EMPTIED = "#9DABBE", "#CDA57E"
"""Layers that lose less than the average, and more: as slate as kept units, and sand."""
