"""An experiment of Limits that a visitor started, watched from every page: a badge meanwhile, a notice at its end."""

from typing import NamedTuple

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from mipp_core.jobs.studies import Background
from pages.shared.finding import store
from pages.shared.watching import POLL


class Watched(NamedTuple):
    """An experiment, its setting, and what of the page Limits shows it."""

    name: str
    full: bool
    look: str

    @property
    def job(self) -> Background:
        """The process that makes it."""
        return Background.of(store(), self.name, self.full)


def watch(name: str, full: bool) -> None:
    """Watch an experiment that this visitor starts now, from the section of Limits that is looked at."""
    found = Watched(name, full, st.query_params.get("look", ""))
    st.session_state["watched studies"] = (*(each for each in _watched() if each[:2] != found[:2]), found)


def badge(limits: StreamlitPage) -> None:
    """Draw the badge, which leads to Limits, and tell what has ended; nothing where nothing goes on."""
    ended = [each for each in _watched() if not each.job.is_alive()]
    for each in ended:
        _tell(each)
    st.session_state["watched studies"] = tuple(each for each in _watched() if each not in ended)
    if _watched():
        st.fragment(_follow, run_every=POLL)(limits)


def _watched() -> tuple[Watched, ...]:
    watched: tuple[Watched, ...] = st.session_state.get("watched studies", ())
    return watched


def _follow(limits: StreamlitPage) -> None:
    if not all(each.job.is_alive() for each in _watched()):
        st.rerun()
    with st.container(key="study_going_on", width="content"):
        st.page_link(limits, label=f"Experiment: {_watched()[0].job.progress.done:.0%}", icon=":material/balance:")


def _tell(ended: Watched) -> None:
    state = ended.job.state
    if state in ("done", "failed", "died"):
        words = {"done": "done", "failed": "failed", "died": "was ended by the system"}[state]
        place = f"?look={ended.look}" if ended.look else ""
        icon = ":material/check:" if state == "done" else ":material/block:"
        st.toast(f"**Experiment {words}:** {ended.name}. [Look at it](./limits{place}).", icon=icon, duration="long")
