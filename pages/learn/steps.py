"""A step of a lesson: its text, the guess, what it shows, and the ways on."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mipp_core.reports.lessons import LESSONS
from mipp_core.reports.lessons.lesson import Guess, Link, Network, Step
from pages.learn import heading, places, views
from pages.learn.places import Place
from pages.shared.presets import link
from pages.shared.turn import turn

_TEXT = 720
"""Of lines that are read, in pixels."""

_STYLE = """
<style>
@media (max-width: 1180px) { .st-key-sides [data-testid="stColumn"] { min-width: 100%; } }
[data-testid="stRadio"] label { min-height: 28px; }
[data-testid="stMain"] { scroll-padding-bottom: 5rem; }
:has(> .st-key-ways) { position: sticky; bottom: 0; padding: 0.6rem 0; backdrop-filter: blur(14px); z-index: 2; }
@media (min-width: 1181px) { :has(> .st-key-ways) { width: 38%; backdrop-filter: none; } }
.st-key-hidden { border-style: dashed; }
</style>
"""
# Words stand beside what they are about, or above it in a narrow window; the ways on are always in reach, and where
# there is room they cover nothing.


@st.cache_data(show_spinner="Reading the experiments", max_entries=8)
def _made(name: str) -> tuple[Step, ...]:
    with turn():
        return LESSONS[name].steps()


def show(name: str) -> None:
    """Draw the step that the address names."""
    steps = _made(name)
    place = places.here(name, steps)
    step = steps[place.step - 1]
    is_open = step.guess is not None and place.guess is None
    st.html(_STYLE)
    st.title(LESSONS[name].title, anchor=False)
    where = f"Step {place.step} of {len(steps)}{_outcome(step.guess, place)}"
    heading.draw(step.title, where, place.step, len(steps), place.words, places.has_moved())
    with st.container(key="sides"):
        words, seen = _sides(step)
        with words:
            _say(step, place)
        with seen:
            _see(step, place, is_open)
    _ways(place, len(steps), is_open)


def _sides(step: Step) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return where the words go, and where what they are about."""
    if step.view is None:
        return st.container(width=_TEXT), st.container()
    words, seen = st.columns((2, 3), gap="large")
    return words, seen


def _outcome(guess: Guess | None, place: Place) -> str:
    if guess is None:
        return ""
    if place.guess is None:
        return " · your guess, please"
    return f" · your guess was {'right' if place.guess == guess.truth else 'not right'}"


def _ask(guess: Guess, place: Place) -> None:
    key = f"guess {place.words}"
    with st.form(f"form {key}"):
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
        st.warning("Choose one of the answers first.", icon=":material/info:")


def _guess(place: Place, key: str) -> None:
    option = st.session_state.get(key)
    if option is None:
        st.session_state["nothing guessed"] = True
    else:
        places.guess(place, option)


def _say(step: Step, place: Place) -> None:
    """Say what the step says; behind an open question nothing."""
    st.markdown(step.text)
    if step.guess and place.guess is None:
        _ask(step.guess, place)
    elif step.guess and place.guess is not None:
        with st.container(border=True, key="answer"):
            st.markdown(_answer(step.guess, place.guess))
        st.markdown(step.after)
    if step.link:
        _onwards(step.link, step)


def _see(step: Step, place: Place, is_open: bool) -> None:
    if step.view and is_open:
        with st.container(border=True, horizontal_alignment="center", key="hidden"):
            st.caption("What happened is shown here, once you have guessed.", width="content")
    elif step.view:
        views.draw(step.view, place)


def _answer(guess: Guess, option: int) -> str:
    said, truth = guess.options[option], guess.options[guess.truth]
    if option == guess.truth:
        return f":material/check_circle: **Right.** You said *{said}*. {guess.because}"
    return f":material/lightbulb: **Not this time.** You said *{said}*; it is *{truth}*. {guess.because}"


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
        words,
        key=key,
        on_click=places.go,
        args=(name, step),
        type="primary" if is_main else "secondary",
        icon=icon,
        icon_position="right" if is_main else "left",
    )
