"""The curve by which CMI cuts a layer."""

from collections.abc import Sequence

import plotly.graph_objects as go

from mipp_core.figures.palette import CHOSEN, DENSE, KEPT, MEASURES
from mipp_core.pruners.cmi_trace import CutLayer, Tried


def cmi_curve(cut: CutLayer) -> go.Figure:
    """Draw what the units after each pick still tell of the labels, and how full the joint entropy is."""
    ordering = cut.ordering
    units = ["before the first pick", *(f"after unit {unit}" for unit in ordering.order)]
    full = f"%{{text}}<br>joint entropy %{{y:.2f}} of {ordering.most:.2f} bits<extra></extra>"
    rest = "%{text}<br>the rest tells %{y:.3f} bits<extra></extra>"
    figure = go.Figure(
        [
            _line("joint entropy", ordering.joint, units, full, {"color": DENSE, "dash": "dot"}),
            _line("CMI of the rest", ordering.conditional, units, rest, {"color": KEPT}),
            _tried(cut),
        ]
    )
    figure.add_hline(y=ordering.most, line={"color": DENSE, "width": 1, "dash": "dot"}, layer="below")
    figure.add_vline(x=cut.kept, line={"color": CHOSEN, "width": 2}, layer="below")
    figure.update_xaxes(title="Units picked", range=[0, len(ordering.order) + 0.2])
    figure.update_yaxes(title="Bits", rangemode="tozero")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return figure.update_layout(height=320, margin={"l": 0, "r": 8, "t": 8, "b": 0}, legend=legend, hovermode="closest")


def _line(name: str, values: Sequence[float], words: Sequence[str], hover: str, line: dict[str, str]) -> go.Scatter:
    places = list(range(len(values)))
    return go.Scatter(
        x=places, y=list(values), name=name, mode="lines", line={**line, "width": 2}, text=words, hovertemplate=hover
    )


def _tried(cut: CutLayer) -> go.Scatter:
    """Return the cuts that were compared by accuracy."""
    return go.Scatter(
        x=[tried.kept for tried in cut.tried],
        y=[cut.ordering.conditional[tried.kept] for tried in cut.tried],
        name="cuts tried",
        mode="markers",
        marker={"color": MEASURES["pruned"], "size": 9, "symbol": "diamond"},
        text=list(map(_said, cut.tried)),
        hovertemplate="%{text}<extra></extra>",
    )


def _said(tried: Tried) -> str:
    reached = f"keeping {tried.kept}: {tried.accuracy:.1%} on held-out images"
    return reached if tried.ratio is None else f"{reached}<br>this drop is {tried.ratio:.1f} times the next"
