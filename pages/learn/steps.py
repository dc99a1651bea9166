"""A step of a lesson: its text, the guess, what it shows, and the ways on."""

import streamlit as st

from mipp_core.reports.lessons import LESSONS
from mipp_core.reports.lessons.lesson import Guess, Link, Network, Step
from pages.learn import heading, places, views
from pages.learn.places import Place
from pages.shared.presets import link
from pages.shared.turn import turn

_WIDE = 960
"""Of all that a step shows, in pixels."""

_TEXT = 720
"""Of lines that are read."""


@st.cache_data(show_spinner="Reading the experiments", max_entries=8)
def _made(name: str) -> tuple[Step, ...]:
    with turn():
        return LESSONS[name].steps()


def show(name: str) -> None:
    """Draw the step that the address names."""
    steps = _made(name)
    place = places.here(name, steps)
    step = steps[place.step - 1]
    with st.container(width=_WIDE, key="lesson"):
        st.title(LESSONS[name].title, anchor=False)
        where = f"Step {place.step} of {len(steps)}{_outcome(step.guess, place)}"
        heading.draw(step.title, where, place.step, len(steps), place.words, places.has_moved())
        st.markdown(step.text, width=_TEXT)
        if step.guess and place.guess is None:
            _ask(step.guess, place)
        else:
            _reveal(step, place)
        _ways(place, len(steps), is_open=step.guess is not None and place.guess is None)


def _outcome(guess: Guess | None, place: Place) -> str:
    if guess is None:
        return ""
    if place.guess is None:
        return " · your guess, please"
    return f" · your guess was {'right' if place.guess == guess.truth else 'not right'}"


def _ask(guess: Guess, place: Place) -> None:
    key = f"guess {place.words}"
    with st.form(f"form {key}", width=_TEXT):
        st.radio(
            f"**{guess.question}**",
            range(len(guess.options)),
            index=None,
            format_func=guess.options.__getitem__,
            key=key,
            help="Nothing is shown before you have guessed, and a wrong guess costs nothing.",
        )
        st.form_submit_button("This is my guess", key="guess", type="primary", on_click=_guess, args=(place, key))
    if st.session_state.pop("nothing guessed", False):
        st.warning("Choose one of the answers first.", icon=":material/info:", width=_TEXT)


def _guess(place: Place, key: str) -> None:
    option = st.session_state.get(key)
    if option is None:
        st.session_state["nothing guessed"] = True
    else:
        places.guess(place, option)


def _reveal(step: Step, place: Place) -> None:
    if step.guess and place.guess is not None:
        with st.container(border=True, width=_TEXT, key="answer"):
            st.markdown(_answer(step.guess, place.guess))
        st.markdown(step.after, width=_TEXT)
    if step.view:
        views.draw(step.view, place)
    if step.link:
        _onwards(step.link, step)


def _answer(guess: Guess, option: int) -> str:
    said, truth = guess.options[option], guess.options[guess.truth]
    if option == guess.truth:
        return f"✓ **Right.** You said *{said}*. {guess.because}"
    return f"✗ **Not this time.** You said *{said}*; it is *{truth}*. {guess.because}"


def _onwards(onwards: Link, step: Step) -> None:
    controls = dict(onwards.query)
    if isinstance(step.view, Network):
        controls["level"] = str(views.level_of(step.view))
    st.link_button(onwards.words, link(onwards.page, controls), icon=":material/open_in_new:")


def _ways(place: Place, steps: int, is_open: bool) -> None:
    names = list(LESSONS)
    following = names[names.index(place.lesson) + 1 :]
    with st.container(horizontal=True, key="ways"):
        if place.step > 1:
            _way("Back", "back", place.lesson, place.step - 1, icon=":material/arrow_back:")
        if place.step < steps and not is_open:
            _way("Next", "next", place.lesson, place.step + 1, is_main=True, icon=":material/arrow_forward:")
        if place.step == steps and following:
            _way(f"Next lesson: {LESSONS[following[0]].title}", "following", following[0], is_main=True)
        _way("All lessons", "all", None)


def _way(words: str, key: str, name: str | None, step: int = 1, is_main: bool = False, icon: str | None = None) -> None:
    st.button(
        words, key=key, on_click=places.go, args=(name, step), type="primary" if is_main else "secondary", icon=icon
    )
