"""Layer by layer: pruning ratios, and which units are kept."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mipp_core.figures.palette import DENSE, KEPT, REMOVED, SPARED

MANY = 8
"""From this many layers on, one full-height row per layer would fill a page."""

_PATTERNS = ("", "/", ".", "x")
_SHADES = (KEPT, SPARED, DENSE, SPARED)
_ORDINALS = ("First", "Second", "Third", "Fourth")

_COLUMNS = 720
"""Columns of the map of units."""

_WIDE = 5
"""Columns of a unit that leave room for a gap beside it; narrower ones would be striped by how the screen rounds."""


def ratio_bars(layers: pd.DataFrame) -> go.Figure:
    """Draw each layer as a bar, input first: the share of its units that stays, and faint what is removed.

    Args:
        layers: what ``layer_table`` returns.
    """
    names = [f"{row.name}, {row.kept} of {row.units}" for row in layers.itertuples(index=False)]
    figure = go.Figure()
    for words, share, colour in (
        ("kept", 1 - layers.pruning_ratio, KEPT),
        ("removed", layers.pruning_ratio, REMOVED),
    ):
        figure.add_bar(
            x=share,
            y=names,
            orientation="h",
            name=words,
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate="%{y}: %{x:.0%} " + words + "<extra></extra>",
        )
    figure.update_xaxes(title="Units kept", range=[0, 1], tickformat=".0%")
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(
        height=70 + 46 * len(layers), barmode="stack", showlegend=False, margin={"l": 0, "r": 24, "t": 8, "b": 0}
    )


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
            marker={"color": _SHADES[place], "pattern": {"shape": _PATTERNS[place]}},
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
    """Draw every unit of every layer as a cell, one row per layer: dark if kept, faint if removed.

    All rows are equally long, so units of narrow layers are wide cells; gaps separate those that are wide.
    The figure is a single image, however many units there are.

    Args:
        layers: what ``layer_table`` returns, without the input.
    """
    columns = max(_COLUMNS, int(layers.units.max()))
    units = [np.arange(columns) * width // columns for width in layers.units]
    kept = [np.isin(row, stays).astype(int) for row, stays in zip(units, layers.kept_units, strict=True)]
    wide = layers.units * _WIDE <= columns
    seams = [(np.diff(row, prepend=0) > 0) & has_room for row, has_room in zip(units, wide, strict=True)]
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
