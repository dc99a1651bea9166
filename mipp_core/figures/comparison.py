"""Several pruners in one picture: one or a few highlighted over all others in grey."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mipp_core.figures.curve import AXES
from mipp_core.figures.entries import Look, dots, grey_lines, highlight, scale
from mipp_core.figures.labels import positions
from mipp_core.figures.palette import DENSE, OTHERS

_PANELS_A_ROW = 3
_SPAN = 10
_ROOM = 0.2  # of the axis, for names
_LARGE = (800, 470)


def cost_chart(
    lines: pd.DataFrame,
    points: pd.DataFrame,
    measure: str,
    x: str,
    look: Look,
    share: float | None = None,
    is_large: bool = False,
) -> go.Figure:
    """Draw every entry's accuracy against a cost: lines where it is known at equal cost, a dot for every seed.

    Args:
        lines: what ``mean_lines`` returns.
        points: what ``points_table`` returns.
        measure: the column of ``points`` that is drawn.
        x: a key of ``AXES``.
        look: what all charts share.
        share: marked by a vertical line, in [0, 1]; None for no line.
        is_large: a tall chart, on which the others have their names where there is room.
    """
    known = points.dropna(subset=[measure])
    figure = go.Figure()
    names = list(dict.fromkeys(known.entry))
    for dashed, words in ((False, "others"), (True, "controls")):
        grey = [name for name in names if name not in look.pins and (name in look.dashed) == dashed]
        if grey:
            figure.add_trace(grey_lines(lines, grey, look, words))
            figure.add_trace(dots(known[known.entry.isin(grey)], measure, x, look, words))
    for name in (name for name in reversed(look.pins) if name in names):
        figure.add_traces(highlight(lines[lines.entry == name], name, look))
        figure.add_trace(dots(known[known.entry == name], measure, x, look, name))
    if share is not None:
        figure.add_vline(x=share, line={"color": OTHERS, "dash": "dot", "width": 1})
    for words, accuracy in look.dense.items():
        figure.add_hline(y=look.level(accuracy), line={"color": DENSE, "dash": "dot", "width": 1.5})
        figure.add_annotation(_named_line(look, words, accuracy))
    ends = _heights(known, measure, look)
    _set_heights(figure, ends, look)
    _laid_out(figure, lines, look, x, 560 if is_large else 340)
    if is_large:
        _name_ends(figure, lines, ends, look)
    return figure


def ceiling(points: pd.DataFrame, measure: str, look: Look) -> tuple[float | None, list[str]]:
    """Return the error, in [0, 1], at which the picture ends, and the entries that are never below it.

    Networks at chance would press all others together.  None where there is no need to end: accuracies are shown,
    errors lie within twenty times of each other, or a highlighted entry has such errors.
    """
    if not look.as_error:
        return None, []
    known = points.dropna(subset=[measure])
    lowest = look.height(known[measure]).groupby(known.entry).min()
    highest = look.height(known[measure]).groupby(known.entry).max()
    top = _SPAN * lowest.min()
    pinned = [name for name in look.pins if name in highest]
    if highest.max() <= 2 * top or highest[pinned].max() > top:
        return None, []
    return float(top), [str(name) for name in lowest[lowest > top].index]


def _heights(known: pd.DataFrame, measure: str, look: Look) -> tuple[float, float]:
    """Return the lower and the upper end of the vertical axis: errors up to the ceiling, or accuracies."""
    heights = [*look.height(known[measure]), *map(look.level, look.dense.values())]
    low, high = min(heights, default=0.01), max(heights, default=1.0)
    if not look.as_error:
        away = 0.05 * (high - low) + 0.002
        return low - away, min(1.0, high + away)
    top, _ = ceiling(known, measure, look)
    return 0.8 * low, min(1.0, 1.15 * high) if top is None else top


def _set_heights(figure: go.Figure, ends: tuple[float, float], look: Look, is_small: bool = False) -> None:
    scale(figure, look, is_small)
    figure.update_yaxes(range=list(np.log10(ends)) if look.as_error else list(ends))


def _laid_out(figure: go.Figure, lines: pd.DataFrame, look: Look, x: str, height: int) -> go.Figure:
    start, end = _shown(lines)
    figure.update_xaxes(title=f"{AXES[x]} →", tickformat=".0%", range=[start, end], nticks=6, tickangle=0)
    figure.update_yaxes(title=look.title)
    return figure.update_layout(
        height=height,
        margin={"l": 0, "r": 8, "t": 30, "b": 0},
        legend={"orientation": "h", "y": 1.01, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
        hovermode="closest",
        clickmode="event+select",
    )


def _shown(lines: pd.DataFrame) -> tuple[float, float]:
    """Return the part of the axis on which there are lines, so that most of a chart is not empty."""
    known = lines.dropna(subset=["mean"])
    beside = known.groupby("entry").share.diff().between(0, 0.015) if len(known) else pd.Series(dtype=bool)
    drawn = known[beside | beside.shift(-1, fill_value=False)]
    if drawn.empty:
        return -0.02, 1.0
    start, end = drawn.share.min(), drawn.share.max()
    away = 0.03 * (end - start) + 0.002
    return start - away, min(1.0, end + away)


def _named_line(look: Look, words: str, accuracy: float) -> go.layout.Annotation:
    height = look.level(accuracy)
    return go.layout.Annotation(
        x=0,
        xref="paper",
        xanchor="left",
        y=np.log10(height) if look.as_error else height,  # Plotly places annotations by the logarithm
        yshift=-9 if look.as_error else 9,
        text=words,
        showarrow=False,
        font={"size": 11},
    )


def _name_ends(figure: go.Figure, lines: pd.DataFrame, ends: tuple[float, float], look: Look) -> None:
    """Write the names of the grey lines at their right ends, where there is room."""
    known = lines.dropna(subset=["mean"])
    known = known[~known.entry.isin(look.pins) & (known.groupby("entry").share.transform("size") > 2)]
    last = known.groupby("entry", sort=False).tail(1)
    last = last.assign(height=look.height(last["mean"]))
    last = last[last.height.between(*ends)].sort_values("share", ascending=False, kind="stable")
    start, end = _shown(lines)
    end += _ROOM * (end - start)
    heights, limits = last.height, ends
    if look.as_error:
        heights, limits = np.log10(heights), (float(np.log10(ends[0])), float(np.log10(ends[1])))
    up = (heights - limits[0]) / (limits[1] - limits[0])
    across = (last.share - start) / (end - start)
    sides = positions(list(zip(across, up, strict=True)), list(last.entry), _LARGE, ("middle right",))
    for row, height, side in zip(last.itertuples(), heights, sides, strict=True):
        if side is not None:
            figure.add_annotation(
                x=row.share, y=height, text=row.entry, xanchor="left", xshift=4, showarrow=False, font={"size": 11}
            )
    figure.update_xaxes(range=[start, end])


def comparison_panels(
    lines: pd.DataFrame, points: pd.DataFrame, measure: str, x: str, order: Sequence[str], look: Look
) -> go.Figure:
    """Draw one small panel per entry, with all others in grey behind it; all panels share their axes.

    Args:
        lines: what ``mean_lines`` returns.
        points: what ``points_table`` returns.
        measure: the column of ``points`` that is drawn.
        x: a key of ``AXES``.
        order: of the panels; entries without points have none.
        look: what all charts share; pins keep their colours, the others have the first one's.
    """
    known = points.dropna(subset=[measure])
    names = [name for name in order if name in set(known.entry)]
    rows = -(-len(names) // _PANELS_A_ROW)
    figure = make_subplots(
        rows=rows,
        cols=_PANELS_A_ROW,
        shared_xaxes="all",
        shared_yaxes="all",
        subplot_titles=names,
        horizontal_spacing=0.02,
        vertical_spacing=min(0.1, 0.35 / max(1, rows)),
    )
    grey = grey_lines(lines, names, look, "others")
    for number, name in enumerate(names):
        place = {"row": number // _PANELS_A_ROW + 1, "col": number % _PANELS_A_ROW + 1}
        own = Look(look.title, look.pins if name in look.pins else (name,), as_error=look.as_error)
        traces = [grey, *highlight(lines[lines.entry == name], name, own)]
        for trace in [*traces, dots(known[known.entry == name], measure, x, own, name)]:
            figure.add_trace(trace.update(showlegend=False), **place)
    start, end = _shown(lines)
    figure.update_xaxes(tickformat=".0%", nticks=3, range=[start, end])
    _set_heights(figure, _heights(known, measure, look), look, is_small=True)
    figure.update_annotations(font_size=12)
    figure.update_yaxes(title=look.title, col=1, row=(rows + 1) // 2)
    return figure.update_layout(height=60 + 160 * rows, margin={"l": 0, "r": 8, "t": 28, "b": 0}, hovermode="closest")
