"""The view of Theorem 1: losses and accuracy by units removed, and the next layer's activations, true and rebuilt."""

import base64
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st
import torch
from jaxtyping import Float
from torch import Tensor

from mipp_core.information.verdict import FREE
from mipp_core.playground.theorem import ORDERS, Cloud, Theorem
from pages.shared.svg import drawn_with, styled_with

_HERE = Path(__file__).parent

RANGE = 4.0
"""Standard deviations that the cloud's axes reach; what lies beyond is drawn at the edge."""

_HTML = """
<div class="theorem">
  <p class="said" data-part="said" aria-live="polite"></p>
  <div class="sides">
    <div>
      <div data-part="chart"></div>
      <ul class="orders" data-part="orders" aria-label="Lost on held-out images, by order of removal"></ul>
    </div>
    <div data-part="cloud"></div>
  </div>
</div>
"""

_VIEW = st.components.v2.component(
    "theorem",
    html=_HTML,
    css=styled_with(_HERE, "theorem_view.css"),
    js=drawn_with(_HERE, "theorem_view.js"),
)

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "MIPP": "MIPP’s greedy order",
        "ascending MI": "ascending order of MI",
        "magnitude": "ascending order of magnitude",
        "random": "a random order",
    }
)
# Order of removal, as a sentence says it.


def packed(theorem: Theorem, layer: str) -> dict[str, Any]:
    """Return all that the view needs of one layer, as plain data."""
    orders = {}
    for name in ORDERS:
        made = theorem.rebuilt(name)
        curves = {key: list(getattr(made, key)) for key in ("fitted", "held", "nats", "accuracy")}
        cloud = theorem.cloud(made.order)
        orders[name] = {
            **curves,
            "free": made.free,
            "cheap": made.cheap,
            "cloud": _bytes(cloud),
            "words": _WORDS[name],
        }
    return {
        "layer": layer,
        "reader": theorem.between.reader,
        "units": theorem.between.units,
        "images": theorem.images,
        "judged": theorem.judged,
        "dense": theorem.dense,
        "most": theorem.most,
        "range": RANGE,
        "true": _coded(cloud.true).tolist(),
        "orders": orders,
    }


def _bytes(cloud: Cloud) -> dict[str, Any]:
    codes = _coded(cloud.rebuilt)
    return {"shape": list(codes.shape), "bytes": base64.b64encode(codes.contiguous().numpy().tobytes()).decode()}


def _coded(values: Float[Tensor, "..."]) -> Tensor:
    """Return values as whole numbers: 0 to 255 from the low end of the axes to the high one."""
    return ((values / RANGE + 1) / 2 * 255).round().clamp(0, 255).to(torch.uint8)


def draw(found: dict[str, Any], order: str) -> None:
    """Draw the view, one order highlighted.

    Args:
        found: as ``packed`` made it.
        order: of ``ORDERS``.
    """
    _VIEW(data=seen(found, order), key="theorem_view")


def seen(found: dict[str, Any], order: str) -> dict[str, Any]:
    """Return what the view is given: every order's curves, and the cloud of one."""
    curves = {name: {key: each[key] for key in each if key != "cloud"} for name, each in found["orders"].items()}
    return {**found, "orders": curves, "order": order, "cloud": found["orders"][order]["cloud"], "free": FREE}
