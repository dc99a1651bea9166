"""The start of Learn: what there is, and what has been done."""

import streamlit as st

from mipp_core.reports.lessons import LESSONS
from pages.learn import places
from pages.shared.finding import shipped_name
from pages.shared.presets import PRESETS, RUNS, link

_ACROSS = 3

_TEXT = 720
"""Of lines that are read, in pixels."""


def show() -> None:
    """Draw the cards of the lessons, and the results to start from."""
    st.title("Learn", anchor=False)
    st.markdown(
        "Six short lessons for somebody who knows what a neural network is and has never pruned one. Each asks you to "
        "guess before it shows what happened. All figures come from experiments that were really made.",
        width=_TEXT,
    )
    names = list(LESSONS)
    following = next((name for name in names if name not in places.done()), None)
    for first in range(0, len(names), _ACROSS):
        for column, name in zip(st.columns(_ACROSS), names[first : first + _ACROSS], strict=False):
            with column:
                _card(name, names.index(name) + 1, name == following)
    st.header("Or start from a result", anchor=False)
    with st.container(horizontal=True, gap="small"):
        for name, controls in PRESETS.items():
            st.link_button(name, link("", controls), icon=":material/tune:")
        for name, folder in RUNS.items():
            st.link_button(name, link("", {"run": shipped_name(folder)}), icon=":material/tune:")
    st.caption("Each opens in Explore; nothing has to be computed.")


def _card(name: str, number: int, is_next: bool) -> None:
    lesson = LESSONS[name]
    is_done = name in places.done()
    with st.container(border=True, height="stretch", key=f"card {name}"):
        st.header(lesson.title, anchor=False)
        st.markdown(lesson.sentence)
        st.caption(f"About {lesson.minutes} minutes{' · ✓ done' if is_done else ''}")
        st.button(
            f"{'Again' if is_done else 'Begin'}: lesson {number}",
            key=f"begin {name}",
            on_click=places.go,
            args=(name,),
            type="primary" if is_next else "secondary",
        )
