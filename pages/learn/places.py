"""Where somebody is in the lessons: in the address; and what this browser session has done already."""

from dataclasses import dataclass

import streamlit as st

from mipp_core.reports.lessons import LESSONS
from mipp_core.reports.lessons.lesson import Step


@dataclass(frozen=True)
class Place:
    """A step of a lesson.

    Attributes:
        lesson: its name.
        step: from 1.
        guess: the place of the option that was guessed, from 0; None before that, and where nothing is asked.
    """

    lesson: str
    step: int
    guess: int | None = None

    @property
    def words(self) -> str:
        """The place as one word, another one for every place."""
        return f"{self.lesson} {self.step} {self.guess}"


def lesson() -> str | None:
    """Return the lesson that the address names."""
    name = st.query_params.get("lesson")
    return name if name in LESSONS else None


def here(name: str, steps: tuple[Step, ...]) -> Place:
    """Return the place that the address names; rubbish there leads to the first step, and to no guess."""
    step = _number("step", len(steps)) or 1
    guess = steps[step - 1].guess
    place = Place(name, step, None if guess is None else _guessed(len(guess.options)))
    if step == len(steps):
        st.session_state["lessons done"] = done() | {name}
    return place


def _guessed(options: int) -> int | None:
    number = _number("guess", options)
    return None if number is None else number - 1


def _number(key: str, most: int) -> int | None:
    """Return a number of the address that counts from 1."""
    return {str(number): number for number in range(1, most + 1)}.get(st.query_params.get(key, ""))


def go(name: str | None, step: int = 1) -> None:
    """Go to a step, or to the start of all; a guess that was made there is made."""
    st.session_state["lessons moved"] = True
    guess = _guesses().get((name, step))
    address = {} if name is None else {"lesson": name, "step": str(step)}
    st.query_params.from_dict(address if guess is None else {**address, "guess": str(guess + 1)})


def guess(place: Place, option: int) -> None:
    """Make a guess."""
    st.session_state["lesson guesses"] = {**_guesses(), (place.lesson, place.step): option}
    go(place.lesson, place.step)


def has_moved() -> bool:
    """Tell, once, whether the visitor has just gone to another place."""
    return bool(st.session_state.pop("lessons moved", False))


def done() -> frozenset[str]:
    """Return the lessons whose last step this browser session has seen."""
    return st.session_state.get("lessons done", frozenset())


def _guesses() -> dict[tuple[str | None, int], int]:
    return st.session_state.get("lesson guesses", {})
