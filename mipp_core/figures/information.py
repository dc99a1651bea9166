"""Estimators of information as charts; each has one colour and one symbol in all of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.figures.palette import CHOSEN, DENSE, PRUNERS, SERIES
from mipp_core.playground.estimators import ESTIMATORS
from mipp_core.playground.grid import readings
from mipp_core.playground.known import DISTRIBUTIONS, Drawn

_LOOKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "closed-form": (PRUNERS["mipp-closed-form"], "circle"),
        "perceptrons": (PRUNERS["mipp"], "square"),
        "neighbours": (SERIES[5], "diamond"),
        "renyi-1.01": (PRUNERS["cmi"], "triangle-up"),
        "renyi-2": (SERIES[3], "triangle-down"),
        "counting": (DENSE, "x"),
    }
)
"""Estimator -> colour, as on the other pages where it is there too, and symbol."""

_SHOWN = 600
_JITTER = 0.12


def along_chart(document: Mapping[str, Any], along: str, asked: Mapping[str, float], here: float | None) -> go.Figure:
    """Draw what estimators read along a line of a grid, the mean over seeds with one standard deviation.

    Args:
        document: as ``mipp_core.playground.grid.measure`` made it.
        along: ``n`` or ``strength``.
        asked: what each estimator reads now, in nats, by its name.
        here: where on the line that is; None if it is not on it.
    """
    figure = go.Figure()
    for name in ESTIMATORS:
        found = readings(document, name, along)
        if found:
            _estimator(figure, name, [float(getattr(each, along)) for each in found], found)
    _truth(figure, document, along)
    if here is not None:
        _asked(figure, asked, here)
    title = "Samples →" if along == "n" else "Strength →"
    figure.update_xaxes(title=title, **(_samples(document) if along == "n" else {}))
    figure.update_yaxes(title="I(x; y), nats")
    return figure.update_layout(
        height=380,
        margin={"l": 0, "r": 16, "t": 8, "b": 0},
        legend={"orientation": "h", "y": -0.22, "yanchor": "top"},
        hovermode="closest",
    )


def _estimator(figure: go.Figure, name: str, across: Sequence[float], found: Sequence[Any]) -> None:
    colour, symbol = _LOOKS[name]
    title = ESTIMATORS[name].title
    figure.add_scatter(
        x=list(across),
        y=[each.mean for each in found],
        error_y={"array": [each.deviation for each in found], "thickness": 1.2, "width": 3, "color": colour},
        name=title,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"symbol": symbol, "size": 9},
        customdata=[[each.mean - each.truth, each.seconds] for each in found],
        hovertemplate=f"<b>{title}</b>, %{{x}}: %{{y:.3f}} nats, %{{customdata[0]:+.3f}} off"
        "<br>%{customdata[1]:.2g} s<extra></extra>",
    )
    limits = [each.limit for each in found]
    if None not in limits:
        line = {"color": colour, "width": 1.5, "dash": "dot"}
        figure.add_scatter(x=list(across), y=limits, mode="lines", line=line, showlegend=False, hoverinfo="skip")


def _truth(figure: go.Figure, document: Mapping[str, Any], along: str) -> None:
    setting, pair = document["setting"], DISTRIBUTIONS[document["pair"]]
    if along == "n":
        across = list(setting["samples"])
        heights = [pair.truth(setting["at"])] * len(across)
    else:
        last = max(setting["strengths"])
        across = [last * step / 100 for step in range(101)]
        heights = [pair.truth(strength) for strength in across]
    line = {"color": DENSE, "width": 3, "dash": "dash"}
    figure.add_scatter(x=across, y=heights, mode="lines", name="truth", line=line, hovertemplate="truth: %{y:.3f} nats")


def _samples(document: Mapping[str, Any]) -> dict[str, Any]:
    numbers = document["setting"]["samples"]
    return {"type": "log", "tickvals": list(numbers), "ticktext": [f"{each:,}" for each in numbers]}


def _asked(figure: go.Figure, asked: Mapping[str, float], here: float) -> None:
    """Mark what is read now, from one seed."""
    figure.add_scatter(
        x=[here] * len(asked),
        y=list(asked.values()),
        mode="markers",
        name="now, one seed",
        marker={
            "symbol": [f"{_LOOKS[name][1]}-open" for name in asked],
            "size": 14,
            "color": CHOSEN,
            "line": {"width": 2},
        },
        customdata=[ESTIMATORS[name].title for name in asked],
        hovertemplate="<b>%{customdata}</b> now: %{y:.3f} nats<extra></extra>",
    )


def samples_chart(drawn: Drawn, discrete: bool) -> go.Figure:
    """Draw some samples: the first coordinates of x and y; of bits, how many are 1, jittered so that points show."""
    x, y = (each[:_SHOWN] for each in drawn)
    across, up = (x.sum(1), y[:, 0]) if discrete else (x[:, 0], y[:, 0])
    if discrete:
        across, up = (_jittered(each, seed) for seed, each in enumerate((across, up)))
    figure = go.Figure()
    marker = {"size": 4, "color": DENSE, "opacity": 0.6}
    figure.add_scatter(x=across.tolist(), y=up.tolist(), mode="markers", marker=marker, hoverinfo="skip")
    figure.update_xaxes(title="x: how many bits are 1" if discrete else "x, first coordinate", zeroline=False)
    figure.update_yaxes(title="y", zeroline=False, **({"tickvals": [0, 1]} if discrete else {}))
    return figure.update_layout(height=300, margin={"l": 0, "r": 8, "t": 8, "b": 0}, showlegend=False)


def _jittered(values: Float[Tensor, " n"], seed: int) -> Float[Tensor, " n"]:
    noise = torch.randn(len(values), generator=torch.Generator().manual_seed(seed), dtype=values.dtype)
    return values + _JITTER * noise
