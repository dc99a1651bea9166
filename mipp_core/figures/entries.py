"""How the entries of a comparison are drawn: one or a few in colour over all others in grey."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mipp_core.figures.palette import HIGHLIGHTS, OTHERS

_OWN_PLACES = ("MIPP", "MIPP closed form")
SYMBOLS = ("circle", "diamond", "square")
_DASHES = ("solid", "dash", "dashdot")
_LEAST_ERROR = 1e-4
_ERROR_TICKS = (0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.2, 0.3, 0.5, 1.0)
_FEW_TICKS = (0.001, 0.01, 0.1, 1.0)
_POINT = (
    "<b>%{customdata[0]}</b>, level %{customdata[1]}, seed %{customdata[2]}<br>accuracy %{customdata[3]:.2%} at "
    "%{x:.1%} removed<br>units kept %{customdata[5]}<extra></extra>"
)


@dataclass(frozen=True)
class Look:
    """What all charts of a comparison share.

    Attributes:
        title: of the vertical axis.
        pins: highlighted entries, at most as many as there are ``HIGHLIGHTS``; the first is the strongest.
        dashed: entries that are drawn dashed where they are not highlighted, such as controls.
        dense: accuracies in [0, 1] of dense networks by what to call them, drawn as dotted lines.
        as_error: draw the error, 1 - accuracy, on a logarithmic axis, where small differences show.
    """

    title: str
    pins: Sequence[str] = ()
    dashed: Sequence[str] = ()
    dense: Mapping[str, float] = field(default_factory=dict)
    as_error: bool = True

    def height(self, accuracy: pd.Series) -> pd.Series:
        """Return where accuracies are drawn; errors are at least ``_LEAST_ERROR``, to have a place."""
        return (1 - accuracy).clip(lower=_LEAST_ERROR) if self.as_error else accuracy

    def level(self, accuracy: float) -> float:
        """Return where one accuracy is drawn."""
        return float(self.height(pd.Series([accuracy])).iloc[0])

    def place(self, entry: str) -> int:
        """Return a highlighted entry's place among colours, dashes and symbols; MIPP's two ways have their own."""
        own = [name for name in _OWN_PLACES if name in self.pins]
        if entry in own:
            return _OWN_PLACES.index(entry)
        left = [place for place in range(len(HIGHLIGHTS)) if place not in map(_OWN_PLACES.index, own)]
        return left[[name for name in self.pins if name not in own].index(entry)]

    def colour(self, entry: str) -> str:
        """Return an entry's colour."""
        return HIGHLIGHTS[self.place(entry)] if entry in self.pins else OTHERS


def scale(figure: go.Figure, look: Look, is_small: bool = False) -> None:
    """Set the vertical axis: accuracy, or error on a logarithmic axis; with few numbers in a small chart."""
    if not look.as_error:
        figure.update_yaxes(tickformat=".0%")
        return
    ticks = _FEW_TICKS if is_small else _ERROR_TICKS
    words = [f"{share:.1%}" if share < 0.01 else f"{share:.0%}" for share in ticks]
    figure.update_yaxes(type="log", tickvals=ticks, ticktext=words)


def grey_lines(lines: pd.DataFrame, names: Sequence[str], look: Look, words: str) -> go.Scatter:
    """Return the lines of many entries as one trace, separated by gaps.

    Args:
        lines: what ``mean_lines`` returns.
        names: of the entries.
        look: what all charts share.
        words: what the legend calls them; "controls" are dashed.
    """
    parts = [pd.concat([lines.loc[lines.entry == name, ["share", "mean"]], _GAP]) for name in names]
    joined = pd.concat(parts)
    return go.Scatter(
        x=joined.share,
        y=look.height(joined["mean"]),
        name=words,
        legendgroup=words,
        legendrank=1002 if words == "controls" else 1001,
        mode="lines",
        line={"color": OTHERS, "width": 1, "dash": "dash" if words == "controls" else "solid"},
        hoverinfo="skip",
    )


_GAP = pd.DataFrame({"share": [np.nan], "mean": [np.nan]})


def dots(rows: pd.DataFrame, measure: str, x: str, look: Look, name: str) -> go.Scatter:
    """Return a dot for every level and seed."""
    strong = name in look.pins
    return go.Scatter(
        x=rows[x],
        y=look.height(rows[measure]),
        name=name,
        legendgroup=name,
        showlegend=False,
        mode="markers",
        marker={
            "color": look.colour(name),
            "size": 7 if strong else 3.5,
            "symbol": SYMBOLS[look.place(name)] if strong else ("x-thin-open" if name == "controls" else "circle"),
        },
        customdata=rows.assign(accuracy=rows[measure])[["entry", "level", "seed", "accuracy", "run", "kept"]],
        hovertemplate=_POINT,
    )


def highlight(line: pd.DataFrame, name: str, look: Look) -> list[go.Scatter]:
    """Return a band from the lowest to the highest seed, and the line of the mean."""
    place = look.place(name)
    own = go.Scatter(
        x=line.share,
        y=look.height(line["mean"]),
        name=name,
        legendgroup=name,
        mode="lines",
        line={"color": look.colour(name), "width": 3 if name == look.pins[0] else 2.2, "dash": _DASHES[place]},
        legendrank=look.pins.index(name) + 1,
        customdata=line[["low", "high", "seeds"]],
        hovertemplate=f"<b>{name}</b><br>%{{y:.2%}} at %{{x:.0%}} removed; accuracy %{{customdata[0]:.2%}} to "
        "%{customdata[1]:.2%} over %{customdata[2]} seeds<extra></extra>",
    )
    return [*_band(line, name, look), own] if line.seeds.max() > 1 else [own]


def _band(line: pd.DataFrame, name: str, look: Look) -> list[go.Scatter]:
    """Return the band as one trace; each stretch without a gap is a polygon of its own."""
    stretches = [part for _, part in line.groupby(line["mean"].isna().cumsum()) if part["mean"].notna().sum() > 1]
    x: list[float] = []
    y: list[float] = []
    for part in (stretch.dropna(subset=["mean"]) for stretch in stretches):
        x += [*part.share, *part.share[::-1], np.nan]
        y += [*look.height(part.high), *look.height(part.low[::-1]), np.nan]
    filled = go.Scatter(
        x=x,
        y=y,
        fill="toself",
        fillcolor=look.colour(name),
        opacity=0.18,
        line={"width": 0},
        mode="lines",
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
    )
    return [filled] if x else []
