"""The curve by which CMI cuts a layer."""

from collections.abc import Mapping
from math import log2
from typing import Any

import plotly.graph_objects as go

from mipp_core.figures.palette import CHOSEN, DENSE, KEPT, MEASURES

_LINE = {"width": 2}


def cmi_curve(cut: Mapping[str, Any]) -> go.Figure:
    """Draw what the units after each pick still tell of the labels, and how full the joint entropy is.

    Args:
        cut: one layer, as ``mipp_core.pruners.cmi_trace`` writes it: order, cmi, joint_entropy, samples, kept, tried.
    """
    picks, most = list(range(len(cut["cmi"]))), log2(cut["samples"])
    units = ["", *(f"unit {unit}" for unit in cut["order"])]
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=picks,
            y=cut["joint_entropy"],
            name="joint entropy",
            mode="lines",
            line={"color": DENSE, "dash": "dot", **_LINE},
            hovertemplate="after %{x} picks<br>joint entropy %{y:.2f} of " + f"{most:.2f} bits<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=picks,
            y=cut["cmi"],
            name="CMI of the rest",
            mode="lines",
            line={"color": KEPT, **_LINE},
            text=units,
            hovertemplate="after %{x} picks, the last of %{text}<br>the rest tells %{y:.3f} bits<extra></extra>",
        )
    )
    figure.add_trace(_tried(cut))
    figure.add_hline(y=most, line={"color": DENSE, "width": 1, "dash": "dot"}, layer="below")
    figure.add_vline(x=cut["kept"], line={"color": CHOSEN, "width": 2}, layer="below")
    figure.update_xaxes(title="Units picked", range=[0, max(len(picks) - 1, 1)])
    figure.update_yaxes(title="Bits", rangemode="tozero")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return figure.update_layout(height=320, margin={"l": 0, "r": 8, "t": 8, "b": 0}, legend=legend, hovermode="closest")


def _tried(cut: Mapping[str, Any]) -> go.Scatter:
    """Return the cuts that were compared by accuracy."""
    words = [
        f"keeping {tried['kept']}: {tried['accuracy']:.1%} on held-out images"
        + ("" if tried["ratio"] is None else f"<br>this drop is {tried['ratio']:.1f} times the next")
        for tried in cut["tried"]
    ]
    return go.Scatter(
        x=[tried["kept"] for tried in cut["tried"]],
        y=[cut["cmi"][tried["kept"]] for tried in cut["tried"]],
        name="cuts tried",
        mode="markers",
        marker={"color": MEASURES["pruned"], "size": 9, "symbol": "diamond"},
        text=words,
        hovertemplate="%{text}<extra></extra>",
    )
