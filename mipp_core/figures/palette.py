"""One meaning per colour, from the Okabe-Ito palette, which colour-blind readers can tell apart."""

KEPT = "#0072B2"
REMOVED = "rgba(136, 136, 136, 0.28)"
DENSE = "#888888"
CHOSEN = "#E69F00"

MEASURES = {"pruned": "#D55E00", "recalibrated": "#CC79A7", "rebuilt": "#009E73", "retrained": "#0072B2"}
"""Accuracy right after cutting, after recalibrating the normalisations, after rebuilding and after retraining."""

DASHES = {"mipp": "solid", "random": "dot", "magnitude": "dash", "scratch": "dashdot"}
"""Choice of units -> dash; others are drawn solid."""

MARKERS = {"mipp": "circle", "random": "x-thin-open", "magnitude": "diamond-open", "scratch": "square-open"}

COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#AA3377",
    "#999933",
    "#8A63D2",
    "#888888",
)
"""For series without a fixed colour: Okabe-Ito first, then some of Paul Tol's, with a violet that shows on black."""

HIGHLIGHTS = ("#D55E00", "#009E73", "#CC79A7")
"""For the few entries of a comparison that stand out; 3:1 or more against both themes' backgrounds."""

OTHERS = "#888888"
"""For everything that a highlight stands out from."""
