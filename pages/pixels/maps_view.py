"""The view of a run's pixels at every level: the mask, when each pixel is gone, digits through it, other rankings."""

import base64
from pathlib import Path
from typing import Any

import streamlit as st
from torch import Tensor

from mipp_core.pixels.choosing import gone_from
from mipp_core.pixels.pictures import Pictures, pictures
from mipp_core.reports.pixels import PixelStudy, likeness, read
from pages.shared.svg import drawn_with, styled_with

_HERE = Path(__file__).parent

_HTML = """
<div class="pixels">
  <p class="said" data-part="said" aria-live="polite"></p>
  <label class="level"><output data-part="number"></output>
    <input type="range" data-part="slider" min="0" step="1" aria-label="Level of confidence"></label>
  <div class="own">
    <figure><figcaption><b>MIPP keeps</b><br>slate: kept, over the mean digit</figcaption>
      <canvas data-part="mask"></canvas></figure>
    <figure><figcaption><b>Gone from level …</b><br>outlined: kept now; faded: gone</figcaption>
      <canvas class="drag" data-part="gone" role="img" aria-label="The level from which each pixel is gone"></canvas>
      <div class="scale"><span>1</span><span class="bar"></span><span data-part="most"></span></div></figure>
    <figure class="seen"><figcaption><b>What the network sees</b><br>removed pixels are black</figcaption>
      <ol class="digits" data-part="digits"></ol><p class="read" data-part="read"></p></figure>
  </div>
  <h2>As many pixels of other rankings</h2>
  <div class="others" data-part="others"></div>
</div>
"""

_VIEW = st.components.v2.component(
    "pixel_maps",
    html=_HTML,
    css=styled_with(_HERE, "maps_view.css"),
    js=drawn_with(_HERE, "maps_view.js"),
)


@st.cache_data(show_spinner=False, max_entries=16)
def _pictures(deformation: float, seed: int) -> Pictures:
    return pictures(deformation, seed)


def draw(study: PixelStudy, place: int) -> None:
    """Draw the view; a level that is chosen there goes into the address.

    Args:
        study: of a run on digits.
        place: of the level that it opens with.
    """
    shown = _pictures(study["deformation"], study["seed"])
    _VIEW(data=seen(study, place, shown), key="pixel_maps", on_level_change=_remember)


def _remember() -> None:
    st.query_params["level"] = str(st.session_state["pixel_maps"]["level"])


def seen(study: PixelStudy, place: int, shown: Pictures) -> dict[str, Any]:
    """Return what the view is given, as plain JSON."""
    kept = [read(text) for text in study["kept"]]
    common, together = likeness(study)
    return {
        "name": study["run"],
        "place": place,
        "levels": study["levels"],
        "confidences": study["confidences"],
        "rows": study["shape"][1],
        "columns": study["shape"][2],
        "kept": study["kept"],
        "counts": [int(keep.sum()) for keep in kept],
        "gone": gone_from(kept),
        "orders": study["orders"],
        "common": common,
        "together": together,
        "mean": _raw(shown.mean),
        "digits": _raw(shown.digits),
        "labels": list(shown.labels),
    }


def _raw(numbers: Tensor) -> str:
    return base64.b64encode(numbers.contiguous().numpy().tobytes()).decode()
