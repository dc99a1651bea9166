"""The heading of a step, which takes the keyboard's focus when the visitor has gone there."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent

_HTML = """
<div class="heading">
  <p class="where" id="where"><span data-part="where"></span> <span class="marks" data-part="marks" aria-hidden="true">
  </span></p>
  <h2 tabindex="-1" data-part="title" aria-describedby="where"></h2>
</div>
"""

_VIEW = st.components.v2.component(
    "lesson_heading",
    html=_HTML,
    css=(_HERE / "heading.css").read_text(),
    js=(_HERE / "heading.js").read_text(),
)


def draw(title: str, where: str, step: int, steps: int, place: str, is_news: bool) -> None:
    """Draw it.

    Args:
        title: of the step.
        where: which step it is, and what has happened in it, in words.
        step, steps: the same in numbers, from 1.
        place: another word for every place; when it changes, the heading takes the focus.
        is_news: whether the visitor has just come here.
    """
    _VIEW(
        data={"title": title, "where": where, "step": step, "steps": steps, "place": place, "news": is_news},
        key="lesson_heading",
    )
