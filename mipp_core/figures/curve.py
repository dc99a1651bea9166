"""Accuracy against sparsity."""

import pandas as pd
import plotly.graph_objects as go

from mipp_core.figures.palette import CALLED, CHOSEN, DASHES, DENSE, MARKERS, MEASURES, SERIES

AXES = {
    "sparsity": "Units removed",
    "parameters_removed": "Parameters removed",
    "macs_removed": "MACs removed",
}
"""What the horizontal axis may show, and its title."""

_DASHES = ("solid", "dash", "dot", "dashdot")
"""From the eleventh run on, dashes tell runs of the same colour apart."""


def accuracy_curve(
    table: pd.DataFrame,
    dense_accuracy: float,
    chosen_level: int,
    measures: tuple[str, ...] = tuple(MEASURES),
    x: str = "sparsity",
    other_seeds: pd.DataFrame | None = None,
) -> go.Figure:
    """Draw accuracies against a share removed, with the chosen level marked.

    Args:
        table: what ``curve_table`` returns; an accuracy without any values is not drawn.
        dense_accuracy: of the dense network, in [0, 1].
        chosen_level: marked by a vertical line.
        measures: which accuracies to draw.
        x: a key of ``AXES``.
        other_seeds: rows of the same run with other seeds, drawn as thin lines behind.
    """
    figure = go.Figure()
    for seed, of_seed in other_seeds.groupby("seed") if other_seeds is not None else ():
        for measure in measures:
            known = of_seed.dropna(subset=[f"accuracy_{measure}"]).sort_values(x)
            if len(known):
                figure.add_trace(_thin_line(str(seed), measure, known, x))
    for choice, of_choice in table.groupby("choice", sort=False):
        for measure in measures:
            known = of_choice.dropna(subset=[f"accuracy_{measure}"]).sort_values(x)
            if len(known):
                figure.add_trace(_line(str(choice), measure, known, x))
    figure.add_hline(y=dense_accuracy, line={"color": DENSE, "dash": "dot", "width": 1.5})
    figure.add_annotation(
        x=0,
        xref="paper",
        y=dense_accuracy,
        text=f"dense {dense_accuracy:.1%}",
        showarrow=False,
        yshift=9,
        xanchor="left",
    )
    here = table.loc[table.level == chosen_level, x]
    if len(here):
        figure.add_vline(x=here.iloc[0], line={"color": CHOSEN, "width": 3})
    figure.update_xaxes(title=AXES[x], tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(title="Test accuracy", tickformat=".0%", range=[0, 1.05])
    return figure.update_layout(
        height=430,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        legend={"orientation": "h", "y": -0.22},
        hovermode="closest",
    )


def compare_curves(runs: dict[str, pd.DataFrame], x: str = "sparsity") -> go.Figure:
    """Draw several runs' retrained accuracies (rebuilt ones if a run was not retrained) against a share removed.

    Args:
        runs: name -> what ``curve_table`` returns.
        x: a key of ``AXES``.
    """
    figure = go.Figure()
    for number, (name, table) in enumerate(runs.items()):
        own = table[table.choice == table.choice.iloc[0]].sort_values(x)
        figure.add_trace(
            go.Scatter(
                x=own[x],
                y=own.accuracy_retrained.fillna(own.accuracy_rebuilt),
                name=name,
                mode="lines+markers",
                line={
                    "color": SERIES[number % len(SERIES)],
                    "dash": _DASHES[number // len(SERIES) % len(_DASHES)],
                },
                hovertemplate="%{y:.2%} at %{x:.1%} removed",
            )
        )
    figure.update_xaxes(title=AXES[x], tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(title="Test accuracy", tickformat=".0%", rangemode="tozero")
    return figure.update_layout(
        height=430, margin={"l": 0, "r": 8, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.22}
    )


def _thin_line(seed: str, measure: str, known: pd.DataFrame, x: str) -> go.Scatter:
    return go.Scatter(
        x=known[x],
        y=known[f"accuracy_{measure}"],
        mode="lines",
        line={"color": MEASURES[measure], "width": 1},
        opacity=0.6,
        showlegend=False,
        customdata=known[["level"]],
        name=f"{CALLED.get(measure, measure)}, seed {seed}",
        hovertemplate="%{y:.2%} at %{x:.1%} removed<br>level %{customdata[0]}",
    )


def _line(choice: str, measure: str, known: pd.DataFrame, x: str) -> go.Scatter:
    own = choice not in {"random", "magnitude", "scratch"}
    called = CALLED.get(measure, measure)
    return go.Scatter(
        x=known[x],
        y=known[f"accuracy_{measure}"],
        name=called if own else f"{choice}, {called}",
        mode="lines+markers",
        line={"color": MEASURES[measure], "dash": DASHES.get(choice, "solid"), "width": 3 if own else 1.5},
        marker={"symbol": MARKERS.get(choice, "circle"), "size": 7},
        opacity=1.0 if own else 0.75,
        customdata=known[["level", "confidence"]],
        hovertemplate="%{y:.2%} at %{x:.1%} removed<br>level %{customdata[0]}, x = %{customdata[1]:.6f}",
    )
