"""What a visitor asked for, watched from every page: a badge while it goes on, and a notice when it has ended."""

from collections import Counter
from collections.abc import Iterable

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from mipp_core.errors import MippError
from mipp_core.runs import RunSpec
from mipp_core.store import Job
from pages.shared.chips import chips
from pages.shared.finding import store
from pages.shared.told import goes_on, share

POLL = 2.0
"""Seconds between looks."""

Group = tuple[str, ...]
"""Names of the runs that were asked for at once, and whose end is told at once."""

_ENDED = ("done", "failed")
# A cancelled run was cancelled by somebody, who knows.


def watch(specs: Iterable[RunSpec]) -> None:
    """Watch runs that this visitor asks for now."""
    group = tuple(spec.hash for spec in specs)
    st.session_state["watched"] = (*(each for each in _groups() if each != group), group)


def badge(runs: StreamlitPage) -> None:
    """Draw the badge, which leads to the page of runs, and tell what has ended; nothing where nothing goes on."""
    for group in _groups():
        jobs = _jobs(group)
        if not any(map(goes_on, jobs)):
            _tell([job for job in jobs if job.state in _ENDED])
            st.session_state["watched"] = tuple(each for each in _groups() if each != group)
    if _groups():
        st.fragment(_follow, run_every=POLL)(runs, len(_groups()))


def _groups() -> tuple[Group, ...]:
    watched: tuple[Group, ...] = st.session_state.get("watched", ())
    return watched


def _jobs(group: Group) -> list[Job]:
    """Return the runs of a group that have not been deleted."""
    return [job for name in group if (job := store().runs.look(name))]


def _follow(runs: StreamlitPage, known: int) -> None:
    """Draw the badge; draw the whole page again once a group has ended."""
    going = [[job for job in _jobs(group) if goes_on(job)] for group in _groups()]
    if sum(map(bool, going)) < known:
        st.rerun()
    with st.container(key="going_on", width="content"):
        st.page_link(runs, label=_label([job for group in going for job in group]), icon=":material/hourglass_top:")


def _label(going: list[Job]) -> str:
    first = min(going, key=lambda job: job.state != "running")
    doing = share(first) if first.state == "running" else "waiting"
    return f"Your run: {doing}" if len(going) == 1 else f"{len(going)} of your runs, now {doing}"


def _tell(ended: list[Job]) -> None:
    """Show a notice: which run has ended, with a link to it, or how many have."""
    if len(ended) == 1:
        job, state = ended[0], "done" if ended[0].state == "done" else "failed"
        st.toast(
            f"**Your run {state}:** {_called(job)}. [Open it](./?run={job.hash})", icon=_icon(ended), duration="long"
        )
    elif ended:
        counts = Counter(job.state for job in ended)
        said = ", ".join(f"{count} {state}" for state, count in counts.items())
        st.toast(f"**Your {len(ended)} runs have ended:** {said}.", icon=_icon(ended), duration="long")


def _icon(ended: list[Job]) -> str:
    return ":material/check:" if all(job.state == "done" for job in ended) else ":material/block:"


def _called(job: Job) -> str:
    try:
        return ", ".join(chips(RunSpec.from_json(job.spec)))
    except MippError:
        return "made by another version"
