"""Which pixels of the image are kept."""

import plotly.graph_objects as go
from jaxtyping import Bool, Float
from torch import Tensor

from mipp_core.figures.palette import REMOVED


def pixel_map(mean_image: Float[Tensor, "h w"], keep: Bool[Tensor, "h w"]) -> go.Figure:
    """Draw the mean image at the kept pixels; removed pixels are grey.

    Args:
        mean_image: grey levels in [0, 1].
        keep: True = keep.
    """
    shown = mean_image.masked_fill(~keep, float("nan")).tolist()
    words = [["kept" if stays else "removed" for stays in row] for row in keep.tolist()]
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            colorscale="Viridis",
            zmin=0,
            zmax=1,
            customdata=words,
            hoverongaps=True,
            hovertemplate="row %{y}, column %{x}: %{customdata}<extra></extra>",
            colorbar={"title": "mean", "thickness": 10},
        )
    )
    figure.update_yaxes(autorange="reversed", scaleanchor="x", constrain="domain", visible=False)
    figure.update_xaxes(visible=False, constrain="domain")
    return figure.update_layout(height=320, margin={"l": 0, "r": 0, "t": 8, "b": 0}, plot_bgcolor=REMOVED)
