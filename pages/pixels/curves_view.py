"""The view of accuracies on the chosen pixels; it follows the level of the view of the pixels."""

from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st

from mipp_core.figures.pixels import COLOUR_OF
from mipp_core.reports.pixels import PixelStudy
from pages.shared.svg import drawn_with, styled_with

_HERE = Path(__file__).parent

_HTML = """
<div class="curves">
  <div class="panels" data-part="panels"></div>
  <div class="wide"><table data-part="table"></table></div>
</div>
"""

_VIEW = st.components.v2.component(
    "pixel_curves",
    html=_HTML,
    css=styled_with(_HERE, "curves_view.css"),
    js=drawn_with(_HERE, "curves_view.js"),
)

_PANELS = MappingProxyType(
    {"blanked": "The network as it is, all other pixels blanked", "trained": "Networks trained on these pixels only"}
)


def draw(study: PixelStudy, place: int) -> None:
    """Draw the view.

    Args:
        study: with accuracies.
        place: of the level that it opens with.
    """
    _VIEW(data=seen(study, place), key="pixel_curves")


def seen(study: PixelStudy, place: int) -> dict[str, Any]:
    """Return what the view is given, as plain JSON."""
    panels = [{"title": title, "short": key.capitalize()} | _measured(study, key) for key, title in _PANELS.items()]
    return {
        "name": study["run"],
        "place": place,
        "levels": study["levels"],
        "counts": [text.count("1") for text in study["kept"]],
        "names": list(COLOUR_OF),
        "colours": list(COLOUR_OF.values()),
        "panels": [panel for panel in panels if "rows" in panel],
    }


def _measured(study: PixelStudy, key: str) -> dict[str, Any]:
    found: Any = study.get(key)
    return found or {}
