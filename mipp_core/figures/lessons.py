"""The plain charts of the lessons: bars with a dot per seed, and lines."""

from statistics import fmean

import plotly.graph_objects as go

from mipp_core.figures.palette import DENSE, KEPT, MEASURES, OTHERS
from mipp_core.reports.lessons.lesson import Bar, Bars, Line, Lines

_DASHES = ("dash", "dot", "dashdot")
_SYMBOLS = ("diamond-open", "x-thin-open", "square-open")


def _ink(name: str) -> str:
    return KEPT if name == "kept" else MEASURES[name]


def bar_chart(bars: Bars) -> go.Figure:
    """Draw bars from top to bottom, each with its mean in words and a dot for every seed."""
    figure = go.Figure()
    for bar in bars.bars:
        figure.add_trace(_bar(bar, _ink(bars.ink)))
    for bar in bars.bars:
        if len(bar.values) > 1:
            figure.add_trace(_dots(bar))
    figure.update_xaxes(title=bars.title, range=[0, 1.13], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%")
    figure.update_yaxes(autorange="reversed", tickfont={"size": 14})
    return figure.update_layout(
        height=100 + 42 * len(bars.bars), margin={"l": 0, "r": 8, "t": 8, "b": 0}, showlegend=False, barmode="overlay"
    )


def _bar(bar: Bar, ink: str) -> go.Bar:
    value = fmean(bar.values)
    places = 1 if len(bar.values) > 1 else 0
    return go.Bar(
        x=[value],
        y=[bar.name],
        orientation="h",
        width=0.62,
        marker={"color": ink if bar.strong else OTHERS, "opacity": 0.85 if bar.strong else 0.5},
        text=[f"{value:.{places}%}"],
        textposition="inside" if value > 0.5 else "outside",
        insidetextanchor="start",
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
