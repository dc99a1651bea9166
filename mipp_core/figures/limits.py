"""The experiments of No Free Prune as charts; a pruner has the same colour in all of them."""

from collections.abc import Mapping, Sequence
from math import comb, log2
from statistics import fmean, pstdev
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from mipp_core.figures.palette import DENSE, KEPT, PRUNERS
from mipp_core.limits.mlp_masks import BLIND

Document = Mapping[str, Any]

_PAPER = {"symbol": "diamond-open", "size": 11, "line": {"width": 2}}
_STARTS = MappingProxyType({"initial": "at initialisation", "trained": "after training"})
_NAMES = MappingProxyType({"mipp-closed-form": "MIPP closed form", "mipp": "MIPP by perceptrons", "cmi": "CMI"})


def memorisation_chart(document: Document) -> go.Figure:
    """Draw the share of networks that memorise against sparsity; diamonds are what the paper reports.

    Pruners that never look at the data are dotted.
    """
    figure = go.Figure()
    for name in document["setting"]["pruners"]:
        rows = [row for row in document["rows"] if row["pruner"] == name]
        figure.add_scatter(
            x=[row["sparsity"] for row in rows],
            y=[row["memorised"] for row in rows],
            error_y={"array": [row["spread"] for row in rows], "thickness": 1, "width": 2},
            name=name,
            line={"color": PRUNERS[name], "width": 2.5, "dash": "dot" if name in BLIND else "solid"},
            hovertemplate=f"<b>{name}</b><br>%{{x:.1%}} pruned: %{{y:.1%}} memorise<extra></extra>",
        )
    published = document["published"]
    _paper(figure, [published["sparsity"]] * len(published["memorised"]), published["memorised"])
    figure.update_xaxes(title="Weights pruned →", tickformat=".1%")
    figure.update_yaxes(title="Networks that memorise", tickformat=".0%", range=[-0.03, 1.06])
    return _laid_out(figure)


def _paper(figure: go.Figure, across: Sequence[float], published: Mapping[str, float]) -> None:
    figure.add_scatter(
        x=list(across),
        y=list(published.values()),
        mode="markers",
        name="the paper",
        marker={**_PAPER, "color": [PRUNERS[name] for name in published]},
        customdata=list(published),
        hovertemplate="<b>%{customdata}</b> in the paper: %{y:.0%}<extra></extra>",
    )


def noise_chart(document: Document) -> go.Figure:
    """Draw the correlation with the labels' noise while a network is trained, pruned and rewound again and again."""
    curves = document["curves"]
    mean, off = curves["mean"], curves["deviation"]
    up, down = ([m + sign * d for m, d in zip(mean, off, strict=True)] for sign in (1, -1))
    figure = go.Figure()
    figure.add_scatter(x=curves["epoch"], y=up, line={"width": 0}, hoverinfo="skip", showlegend=False)
    band = {"fill": "tonexty", "fillcolor": PRUNERS["imp"], "opacity": 0.2, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=curves["epoch"], y=down, line={"width": 0}, **band)
    figure.add_scatter(
        x=curves["epoch"],
        y=mean,
        customdata=curves["round"],
        line={"color": PRUNERS["imp"], "width": 2.5},
        showlegend=False,
        hovertemplate="epoch %{x}, after %{customdata} prunings: %{y:.2f}<extra></extra>",
    )
    every = document["setting"]["epochs"]
    for row in document["rows"][1:]:
        figure.add_vline(x=row["round"] * every, line={"color": DENSE, "width": 1, "dash": "dot"}, opacity=0.5)
    figure.update_xaxes(title=f"Epochs; a fifth of what is left goes every {every} →")
    figure.update_yaxes(title="Correlation with the noise", range=[-0.05, 1.15])
    return _laid_out(figure)


def fashion_chart(document: Document) -> go.Figure:
    """Draw the training accuracy on noisy images by pruner; diamonds are what the paper reports."""
    last = max(row["sparsity"] for row in document["rows"])
    rows = sorted((row for row in document["rows"] if row["sparsity"] == last), key=lambda row: row["accuracy"])
    figure = go.Figure()
    figure.add_scatter(
        x=[row["accuracy"] for row in rows],
        y=[row["pruner"] for row in rows],
        error_x={"array": [row["spread"] for row in rows], "thickness": 1.5, "width": 4, "color": DENSE},
        mode="markers",
        name="here",
        marker={"size": 12, "color": [PRUNERS[row["pruner"]] for row in rows]},
        hovertemplate="<b>%{y}</b>: %{x:.1%}<extra></extra>",
    )
    published = document["published"]
    if published["sparsity"] == last and document["setting"]["dataset"] == "fashion-mnist":
        named = published["accuracy"]
        marker = {**_PAPER, "color": [PRUNERS[name] for name in named]}
        figure.add_scatter(x=list(named.values()), y=list(named), mode="markers", name="the paper", marker=marker)
    figure.add_vline(x=document["dense"], line={"color": DENSE, "dash": "dot"}, annotation_text="dense")
    figure.update_xaxes(title=f"Training accuracy, {last:.0%} of the weights pruned →", tickformat=".0%")
    return _laid_out(figure)


def robustness_chart(document: Document) -> go.Figure:
    """Draw how steep networks are that fit the noise, against what the law of robustness scales with."""
    figure = go.Figure()
    for name in dict.fromkeys(row["pruner"] for row in document["rows"]):
        rows = [row for row in document["rows"] if row["pruner"] == name and row["lipschitz"] is not None]
        known = [max(row["law"]) for row in rows]
        room = [place - min(row["law"]) for place, row in zip(known, rows, strict=True)]
        figure.add_scatter(
            x=known,
            y=[row["lipschitz"] for row in rows],
            error_x={"array": [0.0] * len(rows), "arrayminus": room, "thickness": 1.5, "width": 3},
            error_y={"array": [row["spread"] for row in rows], "thickness": 1, "width": 3},
            name=name,
            mode="markers+lines",
            line={"color": PRUNERS[name], "width": 1.5, "dash": "dot"},
            marker={"size": 10, "symbol": ["circle" if row["fit"] >= _NEARLY else "circle-open" for row in rows]},
            customdata=[[row["sparsity"], row["fit"]] for row in rows],
            hovertemplate=f"<b>{name}</b>, %{{customdata[0]:.0%}} pruned, %{{customdata[1]:.0%}} of the seeds fit"
            "<br>at least %{y:.2f} steep<extra></extra>",
        )
    figure.update_xaxes(title="√(n d / p_eff) →")
    figure.update_yaxes(title="Lipschitz constant, at least", rangemode="tozero")
    return _laid_out(figure)


_NEARLY = 0.9


def units_chart(document: Document, by: str = "level") -> go.Figure:
    """Draw bits in MIPP's masks of the toy's units against the level of confidence; or, by ``kept``, CMI's."""
    figure, steps = go.Figure(), 0
    for curve in document["curves"]:
        if (curve["pruner"] == "cmi") == (by == "kept"):
            steps = _curve(figure, curve, "bits")
    if by == "kept":
        most = [log2(comb(steps - 1, kept)) for kept in range(steps)]
        _limit(figure, most, "number of masks, log₂")
    else:
        _limit(figure, [document["most"]] * steps, "a mask of 4 units")
    figure.update_xaxes(title="Level of confidence →" if by == "level" else "Units kept →", **_whole(steps))
    figure.update_yaxes(title="I(mask; data), bits", range=[-0.1, document["most"] + 0.4])
    return _laid_out(figure)


def preserved_chart(document: Document) -> go.Figure:
    """Draw what MIPP in closed form loses of the toy's output, on average over data sets, against the level."""
    figure, steps = go.Figure(), 0
    for curve in document["curves"]:
        if curve["pruner"] == "mipp-closed-form":
            steps = _curve(figure, curve, "lost")
    figure.update_xaxes(title="Level of confidence →", **_whole(steps))
    figure.update_yaxes(title="Lost of what the output reads", tickformat=".1%", rangemode="tozero")
    return _laid_out(figure, 320)


def bound_chart(document: Document) -> go.Figure:
    """Draw bits in MIPP's masks against what is lost, below what a mask can hold and what there is to know."""
    figure = go.Figure()
    for curve in document["curves"]:
        if curve["pruner"] != "mipp-closed-form":
            continue
        lost, bits = ([fmean(each) for each in zip(*curve[key], strict=True)] for key in ("lost", "bits"))
        figure.add_scatter(
            x=lost, y=bits, name=_STARTS[curve["start"]], mode="lines+markers", line=_line(curve), marker={"size": 5}
        )
    for height, words in ((document["most"], "a mask of 4 units"), (document["ceiling"], "H(D), the data")):
        figure.add_hline(y=height, line={"color": DENSE, "dash": "dash"}, annotation_text=words)
    figure.update_xaxes(title="Lost of what the output reads →", tickformat=".1%")
    figure.update_yaxes(title="I(mask; data), bits", range=[-0.2, document["ceiling"] + 1])
    return _laid_out(figure, 320)


def _line(curve: Mapping[str, Any]) -> dict[str, Any]:
    colour = PRUNERS[curve["pruner"]]
    return {"color": colour, "width": 2.5, "dash": "solid" if curve["start"] == "trained" else "dot"}


def _curve(figure: go.Figure, curve: Mapping[str, Any], key: str) -> int:
    """Draw the mean over initialisations in a band of one standard deviation; return the number of places."""
    columns = list(zip(*curve[key], strict=True))
    mean, off = [fmean(each) for each in columns], [pstdev(each) for each in columns]
    places, label = list(range(len(columns))), f"{_NAMES[curve['pruner']]}, {_STARTS[curve['start']]}"
    band = [m + d for m, d in zip(mean, off, strict=True)] + [m - d for m, d in zip(mean, off, strict=True)][::-1]
    figure.add_scatter(
        x=places + places[::-1],
        y=[max(0.0, each) for each in band],
        fill="toself",
        fillcolor=PRUNERS[curve["pruner"]],
        opacity=0.12,
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=places,
        y=mean,
        mode="lines",
        name=label,
        line=_line(curve),
        customdata=[fmean(each) for each in zip(*curve["kept"], strict=True)],
        hovertemplate=f"<b>{label}</b><br>%{{y:{'.2f} bits' if key == 'bits' else '.2%} lost'}, "
        "%{customdata:.2f} of 4 units kept<extra></extra>",
    )
    return len(columns)


def _limit(figure: go.Figure, heights: list[float], words: str) -> None:
    line = {"color": DENSE, "dash": "dash"}
    figure.add_scatter(x=list(range(len(heights))), y=heights, mode="lines", name=words, line=line, hoverinfo="skip")


def _whole(steps: int) -> dict[str, Any]:
    """Return an axis of whole numbers, with a tick at each or, where they are many, at some."""
    return {"range": [-0.4, steps - 0.6], "dtick": 1 if steps < _MANY else 3}


_MANY = 10


def masks_chart(document: Document) -> go.Figure:
    """Draw how far masks from the same initial weights and other images agree, before and after training."""
    rows = [row for row in document["rows"] if row["way"] == "images"]
    rows.sort(key=lambda row: (row["start"] != "trained", -row["agreement"]))
    order = list(dict.fromkeys(row["pruner"] for row in rows))[::-1]
    figure = go.Figure()
    for start, symbol in (("initial", "diamond-open"), ("trained", "circle")):
        chosen = [row for row in rows if row["start"] == start]
        figure.add_scatter(
            x=[row["agreement"] for row in chosen],
            y=[row["pruner"] for row in chosen],
            mode="markers",
            name=_STARTS[start],
            marker={"size": 11, "color": KEPT, "symbol": symbol, "line": {"width": 2}},
            customdata=[[row["overlap"], row["chance"]] for row in chosen],
            hovertemplate="<b>%{y}</b>, " + _STARTS[start] + ": %{customdata[0]:.0%} of the units in common, "
            "%{customdata[1]:.0%} by chance<extra></extra>",
        )
    figure.update_xaxes(title="Agreement beyond chance: 1 is the same mask →", range=[-0.1, 1.05])
    figure.update_yaxes(categoryorder="array", categoryarray=order)
    return _laid_out(figure, height=120 + 24 * len(order))


def _laid_out(figure: go.Figure, height: int = 400) -> go.Figure:
    return figure.update_layout(
        height=height,
        margin={"l": 0, "r": 16, "t": 8, "b": 0},
        legend={"orientation": "h", "y": -0.22, "yanchor": "top"},
        hovermode="closest",
    )
