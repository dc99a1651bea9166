"""The view of the exact toy: bits of every pruner's masks, and the commonest masks drawn as the networks they are."""

from pathlib import Path
from typing import Any

import streamlit as st

from mipp_core.figures.palette import PRUNERS
from mipp_core.limits.bits import bound_bits, mask_of
from mipp_core.limits.toy import PARAMETERS
from mipp_core.limits.toy_measure import Toy
from pages.shared.svg import drawn_with, styled_with

_HERE = Path(__file__).parent

_HTML = """
<div class="toy">
  <p class="said" data-part="said" aria-live="polite"></p>
  <div class="sides">
    <div>
      <div data-part="chart"></div>
      <div class="names" data-part="names" role="group" aria-label="Pruner"></div>
    </div>
    <div>
      <p class="head" data-part="head"></p>
      <ol class="masks" data-part="masks" aria-label="Commonest masks"></ol>
    </div>
  </div>
</div>
"""

_VIEW = st.components.v2.component(
    "exact_toy",
    html=_HTML,
    css=styled_with(_HERE, "toy_view.css"),
    js=drawn_with(_HERE, "toy_view.js"),
)


def draw(toy: Toy, pruned: int) -> None:
    """Draw the view.

    Args:
        toy: what was measured.
        pruned: the number of parameters pruned that it opens with.
    """
    _VIEW(data=seen(toy, pruned), key="toy_view")


def seen(toy: Toy, pruned: int) -> dict[str, Any]:
    """Return what the view is given, as plain JSON; curves go from 0 to 21 parameters pruned."""
    steps = range(PARAMETERS + 1)
    return {
        "names": list(toy.bits),
        "colours": [PRUNERS[name] for name in toy.bits],
        "mean": {name: [toy.mean(name, step) for step in steps] for name in toy.bits},
        "spread": {name: [toy.spread(name, step) for step in steps] for name in toy.bits},
        "bound": [bound_bits(PARAMETERS, step) for step in steps],
        "ceiling": toy.ceiling,
        "seeds": len(toy.accuracy),
        "sets": toy.data_sets,
        "pruned": pruned,
        "commonest": {
            name: [[[_drawn(code), share] for code, share in found] for found in toy.commonest[name]]
            for name in toy.bits
        },
    }


def _drawn(code: int) -> str:
    """Return a mask as a text of ones and zeros: 12 weights and 4 biases of the hidden layer, then of the output."""
    return "".join("1" if kept else "0" for kept in mask_of(code, PARAMETERS).tolist())
