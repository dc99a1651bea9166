"""Layer by layer: pruning ratios, and which units are kept."""

import pandas as pd
import plotly.graph_objects as go

from mipp_core.figures.palette import KEPT, REMOVED


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


def unit_map(layers: pd.DataFrame) -> go.Figure:
    """Draw every unit of every layer as a cell, one row a layer: coloured if kept, grey if removed.

    Args:
        layers: what ``layer_table`` returns, the input apart.
    """
    figure = go.Figure()
    widest = int(layers.units.max())
    for row, (name, units, kept) in enumerate(zip(layers.name, layers.units, layers.kept_units, strict=True)):
        stays, step = set(kept), widest / units
        figure.add_bar(
            x=[step] * units,
            y=[name] * units,
            base=[unit * step for unit in range(units)],
            orientation="h",
            marker={"color": [KEPT if unit in stays else REMOVED for unit in range(units)], "line": {"width": 0}},
            customdata=[[unit, "kept" if unit in stays else "removed"] for unit in range(units)],
            hovertemplate="%{y}, unit %{customdata[0]}: %{customdata[1]}<extra></extra>",
            showlegend=False,
            width=0.82,
            legendgroup=str(row),
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(
        barmode="overlay", height=40 + 40 * len(layers), margin={"l": 0, "r": 24, "t": 8, "b": 0}
    )
