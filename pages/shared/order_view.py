"""The view of one layer's order: its curve with a cut to drag, gauges, and the units' maps; all in the browser."""

import base64
from pathlib import Path
from typing import Any

import streamlit as st
from jaxtyping import UInt8
from torch import Tensor

from mipp_core.figures.palette import PRUNERS
from mipp_core.information.cut_offs import scree
from mipp_core.information.renyi import SATURATED
from mipp_core.pruners.cmi_trace import CutLayer, Examined
from pages.shared.svg import drawn_with, styled_with

_HERE = Path(__file__).parent

_HTML = """
<div class="view">
  <p class="said" data-part="said" aria-live="polite"></p>
  <div class="gauges" data-part="gauges">
    <div class="gauge held">
      <div class="words"><span>Joint entropy</span><span class="figure"></span></div>
      <div class="bar"><div class="fill"></div></div>
    </div>
    <div class="gauge told">
      <div class="words"><span>Told of the labels</span><span class="figure"></span></div>
      <div class="bar"><div class="fill real"></div><div class="mark"></div></div>
    </div>
  </div>
  <div class="sides">
    <div data-part="chart"></div>
    <div>
      <div class="row" data-part="images" role="group" aria-label="Image"></div>
      <ol class="tiles" data-part="tiles" aria-label="Units in the order of their picks"></ol>
      <div class="row"><button type="button" class="words" data-part="own">Back to its own cut</button></div>
    </div>
  </div>
</div>
"""

_VIEW = st.components.v2.component(
    "cmi_order",
    html=_HTML,
    css=styled_with(_HERE, "order_view.css"),
    js=drawn_with(_HERE, "order_view.js"),
)


def orders(name: str, examined: Examined) -> None:
    """Draw the choice of a layer, and its order.

    Args:
        name: the run's; a cut that was dragged holds for as long as name and layer stay.
        examined: what CMI has found.
    """
    layer = st.selectbox("Layer", examined.names, key="layer", bind="query-params")
    cut = examined.by_name[layer]
    place = examined.layers.index(cut) + 1
    st.caption(
        f"Cut as layer {place} of {len(examined.layers)}, {cut.condition}. Drag the amber line, or use the arrow keys."
    )
    _VIEW(data=seen(name, examined, layer), key="cmi_order")
    st.caption(
        "What to see: does the curve bend where it is cut? A joint entropy near its limit means that all images look "
        "different already, whatever unit comes next. The upright mark is what the layer seems to tell of *shuffled* "
        "labels: what lies below it is the estimate's bias. Maps are what the next layer reads, in the order of picks; "
        "those behind the cut are faded. Accuracies are of images that the network was trained on and the order was "
        "not made from."
    )


def seen(name: str, examined: Examined, layer: str) -> dict[str, Any]:
    """Return what the view is given, as plain JSON; curves have one value more than there are units."""
    cut = examined.by_name[layer]
    ordering, shown = cut.ordering, examined.pictures
    return {
        "name": f"{name} {layer}",
        "layer": layer,
        "colour": PRUNERS["cmi"],
        "order": list(ordering.order),
        "cmi": list(ordering.conditional),
        "mutual": list(ordering.mutual),
        "joint": list(ordering.joint),
        "most": ordering.most,
        "saturated": SATURATED * ordering.most,
        "whole": max(ordering.mutual[-1], cut.chance or 0.0) or 1.0,
        "chance": cut.chance,
        "ratios": _ratios(cut),
        "kept": cut.kept,
        "tried": [each.kept for each in cut.tried],
        "sensitivity": [[each.kept, each.accuracy] for each in cut.sensitivity or cut.tried],
        "dense": examined.dense,
        "pictures": shown
        and {"labels": list(shown.labels), "images": _raw(shown.images), "maps": _raw(shown.maps[layer])},
    }


def _ratios(cut: CutLayer) -> list[float | None]:
    """Return every drop of the curve as a multiple of the next, by the number of units kept."""
    found = {bend.kept: bend.ratio for bend in scree(cut.ordering.conditional)}
    return [found.get(kept) for kept in range(len(cut.ordering.order) + 1)]


def _raw(numbers: UInt8[Tensor, "..."]) -> dict[str, Any]:
    held = numbers.contiguous().numpy().tobytes()
    return {"shape": list(numbers.shape), "bytes": base64.b64encode(held).decode()}
