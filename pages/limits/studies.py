"""An experiment on the page: its shipped document at once, a small or a full one in the background on request."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from mipp_core.jobs.studies import Background
from mipp_core.limits.studies import study
from mipp_core.reports.limits import shipped_studies
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
    options = [which for which in _WHICH if known[which]]
    if options:
        which = options[0]
        if len(options) > 1:
            which = st.segmented_control(
                "Result", options, default=options[-1], key=f"result {name}", format_func=_words, required=True
            )
        document = known[which]
        assert document
        draw(document)
        _provenance(name, which, document)
    _running(name, jobs)


def _words(which: str) -> str:
    return {"shipped": "Shipped", "small": "Small, run here", "full": "Full, run here"}[which]


def _provenance(name: str, which: str, document: Document) -> None:
    flag = "" if which == "small" else " --full"
    seeds = document["setting"].get("seeds")
    count = f", {seeds} seeds" if seeds else ""
    st.caption(
        f"{_words(which)}{count}: {document['device']}, {document['seconds']:,.0f} s. `mipp limits {name}{flag} --json`"
    )


@st.fragment(run_every=1.0)
def _watch(name: str, size: str) -> None:
    """Follow a run; when it ends the whole page is drawn anew."""
    job = Background.of(store(), name, size == "full")
    if job.state != "running":
        st.rerun()
    progress = job.progress
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, max(0.0, progress.done)), f"{progress.stage}, {progress.done:.0%}")
        st.button("Cancel", key=f"cancel {name}", on_click=job.cancel, icon=":material/close:")


def _running(name: str, jobs: dict[str, Background]) -> None:
    going = [size for size, job in jobs.items() if job.is_alive()]
    if going:
        _watch(name, going[0])
        return
    for size, job in jobs.items():
        if job.state == "failed":
            st.error(f"The {size} run failed: {job.problem}", icon=":material/block:")
        elif job.state in ("cancelled", "died"):
            ended = "was cancelled" if job.state == "cancelled" else "was ended by the system"
            st.info(f"The {size} run {ended}; it can be started again.", icon=":material/info:")
    found = study(name)
    with st.container(horizontal=True):
        for size, takes in (("small", found.small), ("full", found.full)):
            st.button(
                f"Run {'the small setting' if size == 'small' else 'the full setting'}: {takes}",
                key=f"start {name} {size}",
                on_click=jobs[size].start,
                icon=":material/play_arrow:",
            )
