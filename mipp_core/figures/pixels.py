"""Which pixels of the image are kept, and of which digits more."""

from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from mipp_core.figures.palette import KEPT, OTHERS, PRUNERS, SERIES
from mipp_core.pixels.rankings import RANKINGS
from mipp_core.pixels.study import MIPP, RANDOM
from mipp_core.reports.pixel_repetitions import Side

COLOUR_OF = MappingProxyType({MIPP: PRUNERS["mipp"], RANDOM: OTHERS} | dict(zip(RANKINGS, SERIES[1:], strict=False)))
"""Whose pixels -> colour."""

_DEFORMED = SERIES[1]


def kept_chart(plain: Side, deformed: Side) -> go.Figure:
    """Draw the pixels kept by level, mean and standard deviation over seeds."""
    figure = go.Figure()
    for which in (plain, deformed):
        off = [spread for _, spread in which.counts]
        figure.add_scatter(
            x=which.levels,
            y=[mean for mean, _ in which.counts],
            error_y={"array": off, "thickness": 1, "width": 3},
            customdata=off,
            hovertemplate="level %{x}: %{y:.0f} ± %{customdata:.0f} pixels",
            **_style(which),
        )
    figure.update_xaxes(title="Level of confidence →", dtick=2)
    figure.update_yaxes(title="Pixels kept", range=[0, plain.shares.shape[1] * 1.03])
    return _laid_out(figure)


def blanked_chart(plain: Side, deformed: Side) -> go.Figure:
    """Draw what the dense networks lose with fewer pixels, in points of accuracy, over seeds."""
    figure = go.Figure()
    for which in (plain, deformed):
        off = [100 * spread for _, spread in which.accuracy]
        figure.add_scatter(
            x=[mean for mean, _ in which.counts],
            y=[100 * (which.dense[0] - mean) for mean, _ in which.accuracy],
            error_y={"array": off, "thickness": 1, "width": 3},
            customdata=off,
            hovertemplate="%{x:.0f} pixels: %{y:.1f} ± %{customdata:.1f} points lost",
            **_style(which),
        )
    figure.update_xaxes(title="Pixels kept; fewer →", autorange="reversed")
    figure.update_yaxes(title="Points of accuracy lost", rangemode="tozero")
    return _laid_out(figure)


def _style(which: Side) -> dict[str, Any]:
    """Return a side's name, colour, dash and marker."""
    bent = which.deformation > 0
    return {
        "name": "deformed digits" if bent else "plain digits",
        "mode": "lines+markers",
        "line": {"color": _DEFORMED if bent else KEPT, "width": 2.5, "dash": "dash" if bent else "solid"},
        "marker": {"symbol": "square" if bent else "circle", "size": 7},
    }


def _laid_out(figure: go.Figure) -> go.Figure:
    return figure.update_layout(
        height=340, margin={"l": 0, "r": 8, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.25, "yanchor": "top"}
    )


def share_map(shares: Float[Tensor, "h w"], words: str) -> go.Figure:
    """Draw shares of seeds by pixel.

    Args:
        shares: in [-1, 1]: slate above 0, for plain digits, sky blue below, for deformed ones.
        words: what a share is of, for whoever points at it.
    """
    figure = go.Figure(
        go.Heatmap(
            z=shares.tolist(),
            colorscale=[(0, _DEFORMED), (0.5, "rgba(136, 136, 136, 0.15)"), (1, KEPT)],
            zmin=-1,
            zmax=1,
            showscale=False,
            customdata=shares.abs().tolist(),
            hovertemplate=f"row %{{y}}, column %{{x}}: %{{customdata:.0%}} {words}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", scaleanchor="x", constrain="domain", visible=False)
    figure.update_xaxes(visible=False, constrain="domain")
    return figure.update_layout(height=300, margin={"l": 0, "r": 0, "t": 0, "b": 0})
