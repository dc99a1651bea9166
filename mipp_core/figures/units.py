"""One unit: what it reads, what it answers, how it was tested, and who makes up for it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float, UInt8
from torch import Tensor

from mipp_core.figures.palette import CHOSEN, DENSE

_BARE = {"margin": {"l": 0, "r": 0, "t": 4, "b": 0}}

_SIGNED = "PuOr"
"""Zero is white; purple and orange are told apart by colour-blind readers."""


def weight_picture(weights: Float[Tensor, "..."], image_shape: tuple[int, int] | None = None) -> go.Figure:
    """Draw one unit's weights: a filter's kernels side by side, a neuron's weights as the image or maps it reads.

    Args:
        weights: of a filter, [channels, height, width]; of a neuron, [inputs].
        image_shape: height and width of what a neuron's inputs were before they were flattened, if they were.
    """
    if weights.ndim == 1 and image_shape:
        weights = weights.reshape(-1, *image_shape)
    return _signed(_beside(weights) if weights.ndim == 3 else _folded(weights.flatten()))


def attribution_picture(pixels: Float[Tensor, "h w"]) -> go.Figure:
    """Draw how much each pixel drives a unit, up or down."""
    return _signed(pixels.numpy())


def answer_picture(images: UInt8[Tensor, "k h w"], maps: UInt8[Tensor, "k a b"]) -> go.Figure:
    """Draw images, and below each what a unit answers there, from its smallest to its largest answer."""
    height, width = images.shape[1:]
    across = np.arange(height) * maps.shape[1] // height, np.arange(width) * maps.shape[2] // width
    answers = maps.numpy()[:, across[0]][:, :, across[1]]
    rows = [_row(images.numpy()), np.full((3, len(images) * (width + 2) - 2), np.nan), _row(answers)]
    figure = go.Figure(
        go.Heatmap(z=np.concatenate(rows), colorscale="Viridis", showscale=False, hoverinfo="skip", hoverongaps=False)
    )
    return _bare(figure, 150)


def gain_dots(gains: Sequence[float], standard_error: float, needed: float) -> go.Figure:
    """Draw every estimate of what a unit's removal costs, their mean with its error, and the line to be above.

    Args:
        gains: losses without the unit minus those with it, one per estimate.
        standard_error: of their mean.
        needed: the level's normal quantile; the line is at so many standard errors.
    """
    mean = sum(gains) / len(gains)
    figure = go.Figure()
    figure.add_scatter(
        x=list(gains),
        y=["estimates"] * len(gains),
        mode="markers",
        marker={"size": 9, "symbol": "line-ns-open", "color": DENSE},
        hovertemplate="%{x:.4g}<extra></extra>",
    )
    error = {"type": "constant", "value": standard_error, "color": DENSE}
    figure.add_scatter(
        x=[mean],
        y=["mean"],
        error_x=error,
        mode="markers",
        marker={"size": 11, "color": DENSE},
        hovertemplate="%{x:.4g}<extra></extra>",
    )
    figure.add_vline(x=needed * standard_error, line={"color": CHOSEN, "width": 3})
    figure.update_xaxes(title="gain: loss without the unit − with it", rangemode="tozero", exponentformat="power")
    return figure.update_layout(height=150, showlegend=False, margin={"l": 0, "r": 8, "t": 4, "b": 0})


def stand_in_bars(coefficients: Float[Tensor, " units"], most: int = 8) -> go.Figure:
    """Draw the largest coefficients by which kept units make up for one."""
    order = coefficients.abs().argsort(descending=True)[:most]
    order = order[coefficients[order] != 0].flip(0)
    figure = go.Figure(
        go.Bar(
            x=coefficients[order].tolist(),
            y=[f"unit {unit}" for unit in order.tolist()],
            orientation="h",
            marker={"color": DENSE},
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(title="coefficient")
    return figure.update_layout(height=60 + 22 * max(1, len(order)), margin={"l": 0, "r": 8, "t": 4, "b": 0})


def layer_scatter(table: pd.DataFrame, chosen: int | None, x: str) -> go.Figure:
    """Draw a layer's units by the order in which they were tested and by their conductance; removed ones are hollow.

    Args:
        table: columns ``unit``, ``kept``, ``conductance`` and the one named ``x``.
        chosen: a unit that is marked.
        x: the column across.
    """
    figure = go.Figure()
    for kept, symbol, words in ((True, "circle", "kept"), (False, "circle-open", "removed")):
        own = table[table.kept == kept]
        figure.add_scatter(
            x=own[x],
            y=own.conductance,
            name=words,
            mode="markers",
            marker={"symbol": symbol, "size": 9, "color": DENSE, "line": {"width": 1.5, "color": DENSE}},
            customdata=own.unit,
            hovertemplate="unit %{customdata}: %{y:.3g}<extra></extra>",
        )
    here = table[table.unit == chosen]
    figure.add_scatter(
        x=here[x],
        y=here.conductance,
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={"symbol": "circle-open", "size": 16, "line": {"width": 3, "color": CHOSEN}},
    )
    figure.update_yaxes(title="mean |layer conductance|", rangemode="tozero")
    return figure.update_layout(
        height=260, margin={"l": 0, "r": 8, "t": 4, "b": 0}, legend={"orientation": "h", "y": 1.12}
    )


def _signed(values: np.ndarray) -> go.Figure:
    most = float(np.nanmax(np.abs(values))) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=values,
            zmin=-most,
            zmax=most,
            colorscale=_SIGNED,
            colorbar={"thickness": 8},
            hovertemplate="%{z:.3g}<extra></extra>",
            hoverongaps=False,
        )
    )
    return _bare(figure, 190)


def _bare(figure: go.Figure, height: int) -> go.Figure:
    figure.update_yaxes(autorange="reversed", scaleanchor="x", constrain="domain", visible=False)
    figure.update_xaxes(visible=False, constrain="domain")
    return figure.update_layout(height=height, plot_bgcolor="rgba(0,0,0,0)", **_BARE)


def _beside(maps: Float[Tensor, "channels h w"]) -> np.ndarray:
    """Put maps side by side in rows of about the same height as width, with gaps."""
    channels, height, width = maps.shape
    across = max(1, round((channels * height / width) ** 0.5 * 1.6))
    across = min(across, channels)
    rows = []
    for start in range(0, channels, across):
        part = maps.numpy()[start : start + across]
        missing = np.full((across - len(part), height, width), np.nan)
        rows += [_row(np.concatenate([part, missing]), 1), np.full((1, across * (width + 1) - 1), np.nan)]
    return np.concatenate(rows[:-1])


def _row(maps: np.ndarray, gap: int = 2) -> np.ndarray:
    seam = np.full((maps.shape[1], gap), np.nan)
    return np.concatenate([piece for each in maps for piece in (each.astype(float), seam)][:-1], axis=1)


def _folded(numbers: Float[Tensor, " n"]) -> np.ndarray:
    """Fold a long row of numbers into lines of at most 24."""
    across = min(24, len(numbers))
    lines = -(-len(numbers) // across)
    padded = np.full(lines * across, np.nan)
    padded[: len(numbers)] = numbers.numpy()
    return padded.reshape(lines, across)
