"""Accuracy against the time that pruning takes."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mipp_core.figures.entries import SYMBOLS, Look, scale
from mipp_core.figures.labels import positions

_SIZE = (340, 300)
_LEAST = 0.01


def time_chart(table: pd.DataFrame, look: Look) -> go.Figure:
    """Draw what each entry reaches at one share against its seconds, on a logarithmic axis.

    Args:
        table: entry, mean, low, high (accuracies in [0, 1]), deviation (NaN for one seed) and seconds; entries
            without a time are left out, and less than a hundredth of a second is drawn as that.
        look: what all charts share.
    """
    known = table.dropna(subset=["seconds", "mean"])
    known = known.sort_values("entry", key=lambda names: ~names.isin(look.pins), kind="stable").reset_index(drop=True)
    known = known.assign(seconds=known.seconds.clip(lower=_LEAST), height=look.height(known["mean"]))
    figure = go.Figure()
    for (_, row), side in zip(known.iterrows(), _sides(known, look), strict=True):
        figure.add_trace(_dot(row, side, look))
    figure.update_xaxes(title="Seconds to prune, all levels →", type="log", dtick=1)
    scale(figure, look)
    figure.update_yaxes(title=look.title)
    return figure.update_layout(
        height=380, margin={"l": 0, "r": 24, "t": 8, "b": 0}, showlegend=False, hovermode="closest"
    )


def _sides(known: pd.DataFrame, look: Look) -> list[str | None]:
    heights = np.log10(known.height) if look.as_error else known.height
    across = zip(_unit(np.log10(known.seconds)), _unit(heights), strict=True)
    return positions(list(across), list(known.entry), _SIZE)


def _unit(values: pd.Series) -> list[float]:
    """Spread values over [0, 1], with some room at both ends."""
    width = max(float(np.ptp(values)), 1e-9) if len(values) else 1.0
    return [0.06 + 0.88 * (value - values.min()) / width for value in values]


def _range(row: pd.Series, look: Look) -> dict[str, object]:
    """Return thin bars from the lowest to the highest seed."""
    ends = look.height(pd.Series([row.low, row.high]))
    low, high = ends.min(), ends.max()
    plus, minus = [high - row.height], [row.height - low]
    return {"array": plus, "arrayminus": minus, "thickness": 1, "width": 0, "color": look.colour(row.entry)}


def _dot(row: pd.Series, side: str | None, look: Look) -> go.Scatter:
    strong = row.entry in look.pins
    words = f"{row['mean']:.2%}" + ("" if pd.isna(row.deviation) else f" ± {row.deviation:.2%}")
    return go.Scatter(
        x=[row.seconds],
        y=[row.height],
        name=row.entry,
        mode="markers" if side is None else "markers+text",
        text=[row.entry],
        textposition=side or "middle right",
        cliponaxis=False,
        error_y=_range(row, look),
        marker={
            "color": look.colour(row.entry),
            "size": 12 if strong else 8,
            "symbol": SYMBOLS[look.place(row.entry)] if strong else "circle",
        },
        hovertemplate=f"<b>{row.entry}</b><br>accuracy {words}<br>{row.seconds:,.1f} s<extra></extra>",
    )
