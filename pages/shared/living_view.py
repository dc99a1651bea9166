"""The living network: a run's slider, headline, picture and curve as one view, which is given every point at once."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared.svg import drawn_with, styled_with

_HERE = Path(__file__).parent / "living"

_HTML = """
<div class="living">
  <p class="head" aria-live="off" data-belongs="headline">
    <span class="main" data-part="main"></span><span data-part="rest"></span></p>
  <p class="accuracies" data-part="accuracies" data-belongs="headline"></p>
  <p class="removed" data-part="removed" data-belongs="headline"></p>
  <p class="warning" data-part="warning" data-belongs="headline"></p>
  <div class="slide" data-belongs="slider">
    <label for="slider" data-part="asks">Level</label>
    <input type="range" id="slider" min="0" step="1" data-part="slider">
  </div>
  <div class="sides">
    <div data-belongs="network">
      <div class="frame" data-part="frame">
        <canvas class="network" data-part="network" tabindex="0" role="application"
          aria-label="Units of the network: arrow keys move, Enter looks into one" aria-describedby="pointed"></canvas>
      </div>
      <p class="pointed" id="pointed" data-part="pointed" aria-live="polite"></p>
      <div class="own" data-part="own" role="group" aria-label="Cut units yourself" hidden>
        <div class="row">
          <button type="button" data-part="begin">Cut units yourself</button>
          <button type="button" data-part="from">…starting from this level</button>
        </div>
        <div data-part="cutting" hidden>
          <p data-part="ownsaid" aria-live="polite"></p>
          <div class="row"><button type="button" data-part="end">Back to the run</button></div>
        </div>
      </div>
      <div class="replay" data-part="replay" role="group" aria-label="Replay" hidden>
        <div class="row">
          <button type="button" data-part="play"></button>
          <button type="button" data-part="back" aria-label="One step back">◀ Back</button>
          <button type="button" data-part="step" aria-label="One step on">Step ▶</button>
          <button type="button" data-part="stop">■ Stop</button>
          <label class="speed">
            slow <input type="range" min="0" value="2" data-part="speed" aria-label="Speed"> fast
          </label>
        </div>
        <div data-part="trial" hidden><p data-part="trialsaid"></p><div class="scale" data-part="scale"></div></div>
      </div>
    </div>
    <div data-part="curve" data-belongs="curve"></div>
  </div>
  <div class="digits" data-part="digits" role="group" aria-label="One image through the networks" hidden>
    <p class="waiting" data-part="waiting"></p>
    <div class="within" data-part="within" hidden>
      <div class="chosen">
        <canvas class="pad" data-part="pad" role="img" aria-label="The image; draw on it"></canvas>
        <div>
          <div class="picks" data-part="picks" role="group" aria-label="Pick an image"></div>
          <div class="row">
            <button type="button" data-part="clear">Draw your own</button>
            <button type="button" data-part="find">Find one that only the dense network reads</button>
          </div>
          <p class="truth" data-part="truth" aria-live="polite"></p>
        </div>
      </div>
      <ul class="verdicts" data-part="verdicts" aria-label="What each network says"></ul>
    </div>
  </div>
</div>
"""

PARTS = ("headline", "slider", "network", "curve", "digits")
"""What the view consists of."""

_PICTURE = ("curve.js", "layout.js", "picture.js", "pointing.js")
_IMAGES = ("forward.js", "digits.js", "pad.js", "mine.js")
_SCRIPTS = ("numbers.js", "headline.js", *_PICTURE, "replay.js", *_IMAGES, "view.js")

_VIEW = st.components.v2.component(
    "living_network",
    html=_HTML,
    css=styled_with(_HERE, "view.css"),
    js=drawn_with(_HERE, *_SCRIPTS),
)


def only(parts: Sequence[str], seen: dict[str, Any]) -> dict[str, Any]:
    """Return what the view is given to show only some of its ``PARTS``."""
    return {**seen, "parts": list(parts), "replays": False, "digits": seen["digits"] if "digits" in parts else None}


def draw(
    seen: dict[str, Any],
    moved: Callable[[int], None],
    chosen: Callable[[str], None],
    key: str,
    mine: Callable[[str], None] = lambda _: None,
    drawn: Callable[[], None] | None = None,
) -> None:
    """Draw the view.

    Args:
        seen: what ``mipp_core.reports.living`` returns, or ``only`` some parts of it.
        moved: receives the number of the point at which the thumb was let go.
        chosen: receives the unit that was clicked, as ``layer:unit``; the unit is -1 for a whole layer.
        key: the view's own.
        mine: receives the units that were cut by hand, see ``mipp_core.reports.own_cut``; empty when they are given up.
        drawn: called once the browser has drawn it, and then the page is drawn again; None if nobody waits for that.
    """

    def told(word: str, call: Callable[[Any], None]) -> Callable[[], None]:
        return lambda: call(st.session_state[key][word])

    _VIEW(
        data={**seen, "tells": drawn is not None},
        key=key,
        on_moved_change=told("moved", moved),
        on_chosen_change=told("chosen", chosen),
        on_mine_change=told("mine", mine),
        on_drawn_change=drawn or (lambda: None),
    )
