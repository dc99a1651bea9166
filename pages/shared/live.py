"""A live run beside the page: start, place in the queue, progress, cancel."""

import uuid

import streamlit as st
import torch

from mipp_core import jobs
from mipp_core.errors import MippError
from mipp_core.experiments.planning import offers_small, plan_run
from mipp_core.pruners.plans import duration
from mipp_core.runs import RunSpec
from mipp_core.store import Job
from pages.shared.finding import Found, find, store
from pages.shared.turn import turn

POLL = 1.0
"""Seconds between looks at a run that is going on."""


def waiting_words(spec: RunSpec) -> str:
    """Say what there will be to see, before there is anything."""
    job = store().runs.look(spec.hash)
    if job is not None and job.state in ("queued", "running"):
        return "The curve appears here as soon as the tests are done, and fills as levels are retrained."
    if job is not None:
        return "This run has nothing to show yet. Try again: finished stages are not computed again."
    return "Nobody has run these settings yet. Start a live run: it goes on in the background."


def panel(spec: RunSpec, found: Found | None) -> None:
    """Draw the run's state and what can be done about it."""
    if found is not None and found.is_shipped:
        return
    job = store().runs.look(spec.hash)
    if job is not None and job.state in ("queued", "running"):
        _follow(spec, filled(found))
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
    """Count the levels that have their retrained accuracy."""
    levels = found.document["levels"] if found else []
    return sum(level["accuracy_retrained"] is not None for level in levels)


def start(spec: RunSpec) -> None:
    """Queue a run for this visitor; a refusal is shown by the next drawing of the page."""
    try:
        jobs.start(spec, store(), owner=visitor())
    except MippError as problem:
        st.session_state["refusal"] = str(problem)


def visitor() -> str:
    """Name who is at the page, for the limit per user: the signed-in address, or this browser session."""
    address = getattr(st.user, "email", None)
    return address or st.session_state.setdefault("visitor", uuid.uuid4().hex)


@st.fragment(run_every=POLL)
def _follow(spec: RunSpec, known: int) -> None:
    """Show progress; draw the page again when the run ends or has filled in another level."""
    job = store().runs.look(spec.hash)
    if job is None or job.state not in ("queued", "running") or filled(find(spec)) != known:
        st.rerun()
    jobs.ensure(store())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, job.done), text=words(job))
        st.button("Cancel", key="cancel", icon=":material/stop:", on_click=store().runs.cancel, args=(spec.hash,))
    for note in job.notes:
        st.info(note, icon=":material/memory:")
    st.caption(f"This run has its own address, for any browser: [open it](./?run={spec.hash}).")


def words(job: Job) -> str:
    """Say how a run is doing."""
    if job.state == "queued":
        ahead = "the next in the queue" if job.place == 0 else f"{job.place} ahead in the queue"
        return f"Waiting, {ahead}"
    remaining = "" if job.remaining is None else f", about {duration(job.remaining)} to go"
    return f"{job.stage}, {job.done:.0%}{remaining}"
