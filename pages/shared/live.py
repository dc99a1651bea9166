"""A live run beside the page: start, place in the queue, progress, cancel."""

import uuid
from contextlib import suppress

import streamlit as st
import torch

from mipp_core import jobs
from mipp_core.errors import MippError
from mipp_core.experiments.planning import offers_small, plan_run
from mipp_core.runs import RunSpec
from pages.shared.finding import Found, find, store
from pages.shared.told import words
from pages.shared.turn import turn
from pages.shared.watching import watch

POLL = 1.0
"""Seconds between looks at a run that is going on."""

_SOON = 0.5
"""Seconds between looks while it has nothing to show yet."""


def goes_on(spec: RunSpec) -> bool:
    """Tell whether a run waits or goes on."""
    job = store().runs.look(spec.hash)
    return job is not None and job.state in ("queued", "running")


def waiting_words(spec: RunSpec) -> str:
    """Say what there will be to see, before there is anything."""
    job = store().runs.look(spec.hash)
    if goes_on(spec):
        return (
            "The run you asked for is being computed; it is shown here as soon as every level is rebuilt, and its "
            "retrained accuracies fill in after that."
        )
    if job is not None:
        return (
            "The run you asked for stopped before it had anything to show. Try again: steps that it finished are not "
            "computed again; the one it was in is."
        )
    return "Nobody has run these settings yet. Start a live run: it goes on in the background."


def panel(spec: RunSpec, found: Found | None) -> None:
    """Draw the run's state and what can be done about it."""
    if found is not None and found.is_shipped:
        return
    job = store().runs.look(spec.hash)
    if job is not None and job.state in ("queued", "running"):
        fragment = st.fragment(_follow, run_every=_SOON if found is None else POLL)
        fragment(spec, filled(found))
        return
    for note in job.notes if job else ():
        st.info(note, icon=":material/memory:")
    if job is not None and job.state == "failed":
        st.error(job.message, icon=":material/block:")
    if job is not None and job.state == "cancelled":
        st.warning(job.message, icon=":material/stop:")
    if job is None or job.state != "done":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Try again" if job else "Start a live run",
                type="primary",
                icon=":material/play_arrow:",
                key="start_run",
                on_click=start,
                args=(spec,),
            )
            asked = st.button("How long will it take?", key="plan", icon=":material/timer:", type="tertiary")
        if asked:
            _plan(spec)
    refusal = st.session_state.pop("refusal", None)
    if refusal:
        st.error(refusal, icon=":material/block:")


def _plan(spec: RunSpec) -> None:
    """Say how long a run will take, and offer the small setting where that is long."""
    device = jobs.devices()[0]
    try:
        with st.spinner("Timing a few steps on this machine"):
            stages, is_long = _planned(spec.hash, spec, device)
    except MippError as problem:
        st.error(str(problem), icon=":material/block:")
        return
    lines = [f"- **{stage}** {words}" for stage, words in stages.items()]
    st.info("\n".join([f"On {device}, if nothing has been computed yet:", "", *lines]), icon=":material/timer:")
    if is_long:
        st.button("Use the small setting", key="use_small", on_click=_use_small)


def _use_small() -> None:
    st.session_state["small"] = True


@st.cache_data(show_spinner=False, max_entries=64, ttl=600)
def _planned(name: str, _spec: RunSpec, device: str) -> tuple[dict[str, str], bool]:
    """Return a run's plan in words, stage by stage, and whether the small setting should be offered."""
    with turn():
        found = plan_run(_spec, torch.device(device))
    return found.stages(), offers_small(_spec, found, torch.device(device))


def filled(found: Found | None) -> int:
    """Count the levels that have their retrained accuracy; -1 while there is nothing to show at all."""
    if found is None:
        return -1
    return sum(level["accuracy_retrained"] is not None for level in found.document["levels"])


def start(spec: RunSpec) -> None:
    """Queue a run for this visitor; a refusal is shown by the next drawing of the page."""
    try:
        jobs.start(spec, store(), owner=visitor())
        watch([spec])
    except MippError as problem:
        st.session_state["refusal"] = str(problem)


def visitor() -> str:
    """Name who is at the page, for the limit per user: the signed-in address, or this browser session."""
    address = getattr(st.user, "email", None)
    return address or st.session_state.setdefault("visitor", uuid.uuid4().hex)


def _follow(spec: RunSpec, known: int) -> None:
    """Show progress; draw the page again when the run ends or has filled in another level."""
    job = store().runs.look(spec.hash)
    if job is None or job.state not in ("queued", "running") or filled(find(spec)) != known:
        st.rerun()
    jobs.ensure(store())
    store().runs.join(spec.hash, visitor())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, job.done), text=words(job))
        st.button("Cancel", key="cancel", icon=":material/stop:", on_click=store().runs.cancel, args=(spec.hash,))
    for note in job.notes:
        st.info(note, icon=":material/memory:")
    st.caption(f"This run has its own address, for any browser: [open it](./?run={spec.hash}).")


def warm() -> None:
    """Have a worker ready before anybody asks for a run: starting one takes seconds."""
    _warmed(str(store().root))


@st.cache_resource(show_spinner=False, max_entries=4, ttl=60)
def _warmed(root: str) -> bool:
    with suppress(OSError):  # a store that cannot be written says so where it is needed
        jobs.warm(store())
    return True
