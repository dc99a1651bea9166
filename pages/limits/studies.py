"""An experiment on the page: its shipped document at once, a small or a full one in the background on request."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.jobs.studies import Background
from mipp_core.limits.studies import study
from mipp_core.reports.limits import shipped_studies
from pages.shared import studying
from pages.shared.finding import store

Document = dict[str, Any]
_WHICH = ("shipped", "small", "full")


def panel(name: str, draw: Callable[[Document], None]) -> None:
    """Draw an experiment's document, where it is from, and what can be run.

    Args:
        name: of ``mipp_core.limits.studies.STUDIES``.
        draw: draws a document.
    """
    jobs = {"small": Background.of(store(), name, False), "full": Background.of(store(), name, True)}
    known = {"shipped": shipped_studies().get(name)} | {size: job.result for size, job in jobs.items()}
    options = [which for which in _WHICH if (known[which] or {}).get("study") == name]
    wished = st.session_state.get(f"wished {name}")
    which = wished if wished in options else next(iter(options), None)
    if len(options) > 1:
        which = st.segmented_control(
            "Result", options, default=which, key=f"result {name}", format_func=_words, required=True
        )
    document = known.get(which or "")
    if which and document:
        try:
            draw(document)
            _provenance(name, which, document)
        except (KeyError, StopIteration, TypeError, ValueError):
            st.warning("This result was made by another version; run it again.", icon=":material/history:")
    _running(name, jobs)


def _words(which: str) -> str:
    return {"shipped": "Shipped", "small": "Small, run here", "full": "Full, run here"}[which]


def _provenance(name: str, which: str, document: Document) -> None:
    seeds = document["setting"].get("seeds")
    flag = "" if which == "small" else " --full"
    count = f", {seeds} seeds" if seeds else ""
    st.caption(
        f"{_words(which)}{count}: {document['device']}, {document['seconds']:,.0f} s. `mipp limits {name}{flag} --json`"
    )


@st.fragment(run_every=1.0)
def _watch(name: str, size: str) -> None:
    """Follow a run; when it ends the whole page is drawn anew."""
    job = Background.of(store(), name, size == "full")
    if job.state != "running":
        st.session_state[f"wished {name}"] = size
        st.rerun()
    progress = job.progress
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, max(0.0, progress.done)), f"{progress.stage}, {progress.done:.0%}")
        st.button("Cancel", key=f"cancel {name} {size}", on_click=job.cancel, icon=":material/close:")


def _start(job: Background) -> None:
    try:
        job.start()
        studying.watch(job.name, job.full)
    except (MippError, OSError) as problem:
        st.session_state[f"problem {job.name}"] = str(problem)


def _running(name: str, jobs: dict[str, Background]) -> None:
    going = [size for size, job in jobs.items() if job.is_alive()]
    for size in going:
        _watch(name, size)
    if going:
        return
    for size, job in jobs.items():
        if job.state == "failed":
            st.error(f"The {size} run failed: {job.problem}", icon=":material/block:")
        elif job.state in ("cancelled", "died"):
            ended = "was cancelled" if job.state == "cancelled" else "was ended by the system"
            st.info(f"The {size} run {ended}; it can be started again.", icon=":material/info:")
    if problem := st.session_state.pop(f"problem {name}", ""):
        st.error(f"It could not be started: {problem}", icon=":material/block:")
    found = study(name)
    with st.container(horizontal=True):
        for size, takes in (("small", found.small), ("full", found.full)):
            st.button(
                f"Run {'the small setting' if size == 'small' else 'the full setting'}: {takes}",
                key=f"start {name} {size}",
                on_click=_start,
                args=(jobs[size],),
                icon=":material/play_arrow:",
            )
