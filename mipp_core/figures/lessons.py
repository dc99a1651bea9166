"""The plain charts of the lessons: bars with a dot per seed, and lines."""

from math import floor
from statistics import fmean
from typing import Any

import plotly.graph_objects as go

from mipp_core.figures.palette import DENSE, KEPT, MEASURES, OTHERS
from mipp_core.reports.lessons.lesson import Bar, Bars, Line, Lines

_HIGH = 0.9
"""From here on small differences are looked at."""

_DASHES = ("dash", "dot", "dashdot")
_SYMBOLS = ("diamond-open", "x-thin-open", "square-open")


def _ink(name: str) -> str:
    return KEPT if name == "kept" else MEASURES[name]


def bar_chart(bars: Bars) -> go.Figure:
    """Draw a row for each bar, with a dot for every seed and the mean in words.

    Where all values are high, differences of a tenth of a point matter: the axis then begins below the lowest, and
    means are marks instead of bars, since a bar must begin at 0.
    """
    begin = _begin(bars)
    figure = go.Figure()
    for bar in bars.bars:
        ink = _ink(bars.ink) if bar.strong else OTHERS
        figure.add_trace(_mark(bar, ink) if begin else _bar(bar, ink))
    for bar in bars.bars:
        if len(bar.values) > 1:
            figure.add_trace(_dots(bar))
        figure.add_annotation(**_written(bar))
    title = f"{bars.title} (from {begin:.0%})" if begin else bars.title
    figure.update_xaxes(title=title, range=[begin, 1 + 0.02 * (1 - begin)], tickvals=_ticks(begin), tickformat=".1~%")
    names = [bar.name for bar in bars.bars]
    figure.update_yaxes(
        autorange="reversed", categoryorder="array", categoryarray=names, tickfont={"size": 14}, showgrid=bool(begin)
    )
    return figure.update_layout(
        height=100 + 42 * len(bars.bars), margin={"l": 0, "r": 66, "t": 8, "b": 0}, showlegend=False, barmode="overlay"
    )


def _begin(bars: Bars) -> float:
    """Return where the axis begins: at 0, or, where all values are high, at the whole per cent below the lowest."""
    least = min(value for bar in bars.bars for value in bar.values)
    return 0.0 if least < _HIGH else floor(100 * least) / 100


def _ticks(begin: float) -> list[float]:
    return [begin + step * (1 - begin) / 4 for step in range(5)]


def _written(bar: Bar) -> dict[str, Any]:
    """Return a bar's mean as a text beside the chart."""
    mean = fmean(bar.values)
    words = f"<b>{mean:.{0 if len(bar.values) == 1 else 2 if mean >= _HIGH else 1}%}</b>"
    place = {"x": 1, "xref": "paper", "xanchor": "left", "xshift": 6, "y": bar.name}
    return {**place, "text": words, "showarrow": False, "font": {"size": 14}}


def _bar(bar: Bar, ink: str) -> go.Bar:
    return go.Bar(
        x=[fmean(bar.values)],
        y=[bar.name],
        orientation="h",
        width=0.62,
        marker={"color": ink, "opacity": 0.85 if bar.strong else 0.5},
        hovertemplate=f"{bar.name}: %{{x:.2%}} on average<extra></extra>",
    )


def _mark(bar: Bar, ink: str) -> go.Scatter:
    return go.Scatter(
        x=[fmean(bar.values)],
        y=[bar.name],
        mode="markers",
        marker={"symbol": "line-ns", "size": 15, "line": {"width": 5, "color": ink}},
        hovertemplate=f"{bar.name}: %{{x:.2%}} on average<extra></extra>",
    )


def _dots(bar: Bar) -> go.Scatter:
    return go.Scatter(
        x=list(bar.values),
        y=[bar.name] * len(bar.values),
        mode="markers",
        marker={"symbol": "circle", "size": 9, "color": "#FFFFFF", "line": {"width": 2, "color": "#333333"}},
        hovertemplate=f"{bar.name}, one seed: %{{x:.2%}}<extra></extra>",
    )


def line_chart(lines: Lines) -> go.Figure:
    """Draw lines that differ in colour or dash and in their marks."""
    figure = go.Figure()
    rest = 0
    for line in lines.lines:
        figure.add_trace(_line(line, lines, rest))
        rest += not line.strong
    figure.update_xaxes(title=lines.across, tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title=lines.up, tickformat=".0%", range=[0, 1.05])
    return figure.update_layout(
        height=330,
        margin={"l": 0, "r": 8, "t": 36, "b": 0},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
    )


def _line(line: Line, lines: Lines, place: int) -> go.Scatter:
    return go.Scatter(
        x=list(line.across),
        y=list(line.up),
        name=line.name,
        mode="lines+markers",
        line={
            "color": _ink(lines.ink) if line.strong else DENSE,
            "dash": "solid" if line.strong else _DASHES[place % len(_DASHES)],
            "width": 3 if line.strong else 2,
        },
        marker={"size": 8, "symbol": "circle" if line.strong else _SYMBOLS[place % len(_SYMBOLS)]},
        hovertemplate=f"<b>{line.name}</b><br>%{{y:.2%}} at %{{x:.1%}}<extra></extra>",
    )
