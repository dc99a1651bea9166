"""Several pruners in one picture: curves with bands over seeds, collapse rates, ratios, time."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mipp_core.figures.curve import AXES
from mipp_core.figures.palette import CHOSEN, COLOURS, DENSE

_DASHES = ("solid", "dash", "dot")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "triangle-down", "pentagon", "hexagon")
_QUIET = 0.25
_PANELS_A_ROW = 4
_ERROR_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_PALE = "#CDE7DE"
_NEUTRAL = "#DCDCDC"


@dataclass(frozen=True)
class Style:
    """How a curve is told apart: by ten colours, by dashes when those are used up, and always by markers."""

    colour: str
    dash: str
    symbol: str


def style(number: int) -> Style:
    """Return the style of the n-th entry."""
    turn = number // len(COLOURS)
    return Style(COLOURS[number % len(COLOURS)], _DASHES[turn % len(_DASHES)], _SYMBOLS[number % len(_SYMBOLS)])


def comparison_curves(
    curves: pd.DataFrame,
    order: Sequence[str],
    dense_accuracy: float | None,
    x: str,
    title: str,
    pinned: Sequence[str] = (),
    as_error: bool = False,
) -> go.Figure:
    """Draw every entry's mean accuracy against a share removed, with a band from its lowest to its highest seed.

    Args:
        curves: what ``mean_curve`` returns.
        order: all possible entries; an entry's place here sets its style.
        dense_accuracy: of the dense networks, in [0, 1].
        x: a key of ``AXES``.
        title: of the vertical axis.
        pinned: entries drawn strongly, the others faintly; if empty, all are drawn strongly.
        as_error: draw the error, 1 - accuracy, on a logarithmic axis, where small differences show.
    """
    if as_error:
        curves = _errors(curves)
        dense_accuracy = None if dense_accuracy is None else 1 - dense_accuracy
    figure = go.Figure()
    for name in (name for name in order if name in set(curves.entry)):
        strong = not pinned or name in pinned
        for trace in _traces(curves[curves.entry == name], name, style(order.index(name)), strong):
            figure.add_trace(trace)
    if dense_accuracy is not None:
        figure.add_hline(y=dense_accuracy, line={"color": DENSE, "dash": "dot", "width": 1.5})
    figure.update_xaxes(title=AXES[x], tickformat=".0%")
    figure.update_yaxes(title=title, tickformat=".0%")
    if as_error:
        words = [f"{share:.1%}" if share < 0.01 else f"{share:.0%}" for share in _ERROR_TICKS]
        figure.update_yaxes(type="log", tickvals=_ERROR_TICKS, ticktext=words)
    return figure.update_layout(
        height=540,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        legend={"orientation": "h", "y": -0.16},
        hovermode="closest",
        clickmode="event+select",
    )


def _errors(curves: pd.DataFrame) -> pd.DataFrame:
    """Turn accuracies into errors, at least 1e-6, so that a logarithmic axis can show them."""
    turned = {"mean": 1 - curves["mean"], "low": 1 - curves.high, "high": 1 - curves.low}
    return curves.assign(**{name: values.clip(lower=1e-6) for name, values in turned.items()})


def comparison_panels(curves: pd.DataFrame, order: Sequence[str], x: str, title: str) -> go.Figure:
    """Draw one small panel per entry, with all others in grey behind it; all panels share their axes."""
    names = [name for name in order if name in set(curves.entry)]
    rows = -(-len(names) // _PANELS_A_ROW)
    figure = make_subplots(
        rows=rows,
        cols=_PANELS_A_ROW,
        shared_xaxes="all",
        shared_yaxes="all",
        subplot_titles=names,
        horizontal_spacing=0.02,
        vertical_spacing=min(0.08, 0.3 / max(1, rows)),
    )
    grey = _all_in_one(curves, names)
    for number, name in enumerate(names):
        place = {"row": number // _PANELS_A_ROW + 1, "col": number % _PANELS_A_ROW + 1}
        figure.add_trace(grey, **place)
        for trace in _traces(curves[curves.entry == name], name, style(order.index(name)), True):
            figure.add_trace(trace.update(showlegend=False), **place)
    figure.update_xaxes(tickformat=".0%", nticks=3)
    figure.update_yaxes(tickformat=".0%")
    figure.update_annotations(font_size=13)
    figure.update_yaxes(title=title, col=1, row=(rows + 1) // 2)
    return figure.update_layout(height=60 + 190 * rows, margin={"l": 0, "r": 8, "t": 28, "b": 0}, hovermode="closest")


def _all_in_one(curves: pd.DataFrame, names: Sequence[str]) -> go.Scatter:
    """Return all curves as one grey trace, separated by gaps."""
    parts = [pd.concat([curves.loc[curves.entry == name, ["x", "mean"]], _GAP]) for name in names]
    joined = pd.concat(parts) if parts else _GAP
    return go.Scatter(
        x=joined.x,
        y=joined["mean"],
        mode="lines",
        line={"color": "rgba(136,136,136,0.35)", "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )


_GAP = pd.DataFrame({"x": [float("nan")], "mean": [float("nan")]})


def _traces(curve: pd.DataFrame, name: str, how: Style, strong: bool) -> list[go.Scatter]:
    """Return the band and the line of one entry; the legend hides both."""
    opacity = 1.0 if strong else _QUIET
    line = go.Scatter(
        x=curve.x,
        y=curve["mean"],
        name=name,
        legendgroup=name,
        mode="lines+markers",
        opacity=opacity,
        line={"color": how.colour, "dash": how.dash, "width": 2.5 if strong else 1.2},
        marker={"symbol": how.symbol, "size": 8 if strong else 5},
        customdata=curve[["entry", "level", "low", "high", "seeds", "kept", "run"]],
        hovertemplate=(
            "<b>%{customdata[0]}</b>, level %{customdata[1]}<br>%{y:.2%} at %{x:.1%} removed"
            "<br>%{customdata[2]:.2%} to %{customdata[3]:.2%} over %{customdata[4]} seeds"
            "<br>units kept %{customdata[5]}<extra></extra>"
        ),
    )
    if not strong or curve.seeds.max() < 2:
        return [line]
    return [_band(curve, name, how), line]


def _band(curve: pd.DataFrame, name: str, how: Style) -> go.Scatter:
    return go.Scatter(
        x=[*curve.x, *curve.x[::-1]],
        y=[*curve.high, *curve.low[::-1]],
        fill="toself",
        fillcolor=how.colour,
        opacity=0.12,
        line={"width": 0},
        mode="lines",
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
    )


def share_map(table: pd.DataFrame, columns: Sequence[str], words: str, middle: float | None = None) -> go.Figure:
    """Draw a table of numbers as a heat map with the numbers in it; cells without a number are left empty.

    Args:
        table: one row per entry.
        columns: its column names, as shown.
        words: what a number means, for the hover text.
        middle: the number shown in a neutral colour; None for shares in [0, 1].
    """
    values = table.astype(float)
    shown = ".0%" if middle is None else ".2f"
    scale = {"zmin": 0, "zmax": 1, "colorscale": [[0, _PALE], [1, "#D55E00"]]}
    if middle is not None:
        scale = {"zmid": middle, "colorscale": [[0, "#56B4E9"], [0.5, _NEUTRAL], [1, CHOSEN]]}
    figure = go.Figure(
        go.Heatmap(
            z=values.to_numpy(),
            x=list(columns),
            y=list(values.index),
            showscale=False,
            xgap=2,
            ygap=2,
            textfont={"color": "#1A1A1A"},
            texttemplate=f"%{{z:{shown}}}",
            hovertemplate=f"%{{y}}, %{{x}}: %{{z:{shown}}} {words}<extra></extra>",
            hoverongaps=False,
            **scale,
        )
    )
    figure.update_xaxes(type="category", side="top")
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(height=60 + 26 * len(values), margin={"l": 0, "r": 8, "t": 30, "b": 0})


def seconds_bars(table: pd.DataFrame, order: Sequence[str]) -> go.Figure:
    """Draw each entry's time to prune on a logarithmic axis, the fastest first.

    Args:
        table: what ``seconds_table`` returns.
        order: all possible entries; an entry's place here sets its colour.
    """
    table = table.dropna(subset=["seconds"]).sort_values("seconds")
    figure = go.Figure(
        go.Bar(
            x=table.seconds.clip(lower=0.01),
            y=table.entry,
            orientation="h",
            text=[f"{seconds:,.1f} s" for seconds in table.seconds],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [style(order.index(name)).colour for name in table.entry]},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_xaxes(title="Seconds to prune, all levels (logarithmic)", type="log", dtick=1)
    figure.update_yaxes(autorange="reversed")
    return figure.update_layout(height=70 + 26 * len(table), margin={"l": 0, "r": 24, "t": 8, "b": 0})
