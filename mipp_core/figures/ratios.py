"""Where the units of a comparison go, layer by layer."""

import pandas as pd
import plotly.graph_objects as go

from mipp_core.figures.palette import EMPTIED, SPARED

_EVEN = "#E4E4E4"


def ratio_map(table: pd.DataFrame) -> go.Figure:
    """Draw each layer's pruning ratio over the run's mean as a heat map with the numbers in it.

    Args:
        table: what ``ratio_table`` returns; cells without a number are left empty.
    """
    values = table.astype(float)
    figure = go.Figure(
        go.Heatmap(
            z=values.to_numpy(),
            x=list(values.columns),
            y=list(values.index),
            showscale=False,
            xgap=2,
            ygap=2,
            zmid=1.0,
            colorscale=[[0, SPARED], [0.5, _EVEN], [1, EMPTIED]],
            textfont={"color": "#1A1A1A"},
            texttemplate="%{z:.2f}",
            hovertemplate="%{y}, %{x}: %{z:.2f} times the run's mean ratio<extra></extra>",
            hoverongaps=False,
        )
    )
    figure.update_xaxes(type="category", side="top")
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(height=60 + 26 * len(values), margin={"l": 0, "r": 8, "t": 30, "b": 0})
