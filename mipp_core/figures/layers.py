"""Layer by layer: which units are kept."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mipp_core.figures.palette import KEPT, REMOVED

_MANY = 8
"""From this many layers on, one full-height row per layer would fill a page."""

_COLUMNS = 720
"""Columns of the map of units."""

_WIDE = 5
"""Columns of a unit that leave room for a gap beside it; narrower ones would be striped by how the screen rounds."""


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
            ygap=6 if len(layers) <= _MANY else 2,
            customdata=units,
            text=[np.where(row, "kept", "removed") for row in kept],
            hovertemplate="%{y}, unit %{customdata}: %{text}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(autorange="reversed", tickfont={} if len(layers) <= _MANY else {"size": 9})
    row = 40 if len(layers) <= _MANY else 13
    return figure.update_layout(height=40 + row * len(layers), margin={"l": 0, "r": 24, "t": 8, "b": 0})
