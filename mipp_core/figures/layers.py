"""Layer by layer: pruning ratios, and which units are kept."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mipp_core.figures.palette import COLOURS, KEPT, REMOVED

MANY = 8
"""From this many layers on, one full-height row per layer would fill a page."""

_PATTERNS = ("", "/", ".", "x")
_ORDINALS = ("First", "Second", "Third", "Fourth")

_COLUMNS = 720
"""Columns of the map of units: enough for a gap between any two."""


def ratio_bars(layers: pd.DataFrame) -> go.Figure:
    """Draw each layer's pruning ratio as a bar, input first.

    Args:
        layers: what ``layer_table`` returns.
    """
    text = [f"{kept} of {units} kept" for kept, units in zip(layers.kept, layers.units, strict=True)]
    figure = go.Figure(
        go.Bar(
            x=layers.pruning_ratio,
            y=layers.name,
            orientation="h",
            text=[f"{ratio:.0%} · {words}" for ratio, words in zip(layers.pruning_ratio, text, strict=True)],
            textposition="auto",
            marker={"color": KEPT},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_xaxes(title="Pruning ratio", range=[0, 1], tickformat=".0%")
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(height=70 + 46 * len(layers), margin={"l": 0, "r": 24, "t": 8, "b": 0})


def places_in_blocks(names: Sequence[str]) -> list[int]:
    """Return each layer's place in its block, from 0; a block's layers have paths that differ only in the last part."""
    met: Counter[str] = Counter()
    places = []
    for name in names:
        block = name.rpartition(".")[0]
        places.append(met[block] if block else 0)
        met[block] += 1
    return places


def block_bars(layers: pd.DataFrame) -> go.Figure:
    """Draw each layer's pruning ratio as a thin bar, input to output, marked by its place in its block.

    In a residual network the pattern repeats block by block (MIPP paper, Figure 4).

    Args:
        layers: what ``layer_table`` returns.
    """
    places = np.minimum(places_in_blocks(list(layers.name)), len(_PATTERNS) - 1)
    figure = go.Figure()
    for place in np.unique(places):
        own = layers[places == place]
        figure.add_bar(
            x=own.name,
            y=own.pruning_ratio,
            name=f"{_ORDINALS[place]} of its block",
            marker={"color": COLOURS[place], "pattern": {"shape": _PATTERNS[place]}},
            customdata=own[["kept", "units"]],
            hovertemplate="%{x}: %{y:.0%} · %{customdata[0]} of %{customdata[1]} kept<extra></extra>",
        )
    figure.update_yaxes(title="Pruning ratio", range=[0, 1], tickformat=".0%")
    figure.update_xaxes(categoryorder="array", categoryarray=list(layers.name), tickangle=-90, tickfont={"size": 9})
    return figure.update_layout(
        height=330,
        bargap=0.15,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        showlegend=len(figure.data) > 1,
        margin={"l": 0, "r": 8, "t": 36, "b": 0},
    )


def unit_map(layers: pd.DataFrame) -> go.Figure:
    """Draw every unit of every layer as a cell, one row per layer: coloured if kept, grey if removed.

    All rows are equally long, so units of narrow layers are wide cells; gaps separate neighbours.
    The figure is a single image, however many units there are.

    Args:
        layers: what ``layer_table`` returns, without the input.
    """
    columns = max(_COLUMNS, int(layers.units.max()))
    units = [np.arange(columns) * width // columns for width in layers.units]
    kept = [np.isin(row, stays).astype(int) for row, stays in zip(units, layers.kept_units, strict=True)]
    seams = [np.diff(row, prepend=0) > 0 for row in units]
    figure = go.Figure(
        go.Heatmap(
            z=[np.where(seam, np.nan, row) for seam, row in zip(seams, kept, strict=True)],
            y=layers.name,
            zmin=0,
            zmax=1,
            colorscale=[[0, REMOVED], [1, KEPT]],
            showscale=False,
            ygap=6 if len(layers) <= MANY else 2,
            customdata=units,
            text=[np.where(row, "kept", "removed") for row in kept],
            hovertemplate="%{y}, unit %{customdata}: %{text}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(autorange="reversed", tickfont={} if len(layers) <= MANY else {"size": 9})
    row = 40 if len(layers) <= MANY else 13
    return figure.update_layout(height=40 + row * len(layers), margin={"l": 0, "r": 24, "t": 8, "b": 0})
