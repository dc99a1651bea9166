"""A live run beside the page: start, progress, cancel."""

from typing import Any

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.experiments import RunSpec, jobs
from pages.shared import runs

POLL = 1.0
"""Seconds between looks at a run that is going on."""


def waiting_words(spec: RunSpec) -> str:
    """Say what there will be to see, before there is anything."""
    if jobs.look(runs.store(), spec.hash).state == "running":
        return "The curve appears here as soon as the tests are done, and fills as levels are retrained."
    return "Nobody has run these settings yet. Start a live run: it goes on in the background."


def panel(spec: RunSpec, document: dict[str, Any] | None) -> None:
    """Draw the run's state and what can be done about it."""
    job = jobs.look(runs.store(), spec.hash)
    if job.state == "running":
        _follow(spec, len(_filled(document)))
        return
    folder, _ = runs.find(spec)
    if runs.is_shipped(folder):
        return
    if job.state == "failed":
        st.error(job.message, icon=":material/block:")
    if job.state == "cancelled":
        st.warning("This run was cancelled; the levels it finished are kept.", icon=":material/stop:")
    if job.state != "done":
        st.button(
            "Start a live run",
            type="primary",
            icon=":material/play_arrow:",
            key="start_run",
            on_click=_start,
            args=(spec,),
        )
        _refusal()


def _filled(document: dict[str, Any] | None) -> list[Any]:
    """Return the levels that have their retrained accuracy."""
    return [level for level in (document or {"levels": []})["levels"] if level["accuracy_retrained"] is not None]


def _start(spec: RunSpec) -> None:
    try:
        jobs.start(spec, runs.store())
    except MippError as problem:
        st.session_state["refusal"] = str(problem)


def _refusal() -> None:
    words = st.session_state.pop("refusal", None)
    busy = jobs.running(runs.store())
    if words:
        st.error(words, icon=":material/block:")
    if busy:
        st.button(
            "Cancel the run that is going on", key="cancel_other", on_click=jobs.cancel, args=(runs.store(), busy)
        )


@st.fragment(run_every=POLL)
def _follow(spec: RunSpec, filled: int) -> None:
    """Show progress; draw the page again when the run ends or has filled in another level."""
    job = jobs.look(runs.store(), spec.hash)
    _, document = runs.find(spec)
    if job.state != "running" or len(_filled(document)) != filled:
        st.rerun()
    words = f"{job.stage}, {job.done:.0%}"
    if job.remaining is not None:
        words += f", about {_duration(job.remaining)} to go"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, job.done), text=words)
        st.button("Cancel", key="cancel", icon=":material/stop:", on_click=jobs.cancel, args=(runs.store(), spec.hash))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
