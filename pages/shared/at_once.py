"""A run that should take seconds starts as soon as a control asks for it, without a further click."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.experiments.costs import costs_of
from mipp_core.runs import RunSpec
from pages.shared import live
from pages.shared.finding import Found, store

SECONDS = 20.0
"""A run starts at once if its levels should be rebuilt by then; on a busy machine it takes longer."""


def remember(page: str, found: Found) -> None:
    """Keep the name of what this browser session sees on a page, to show it until there is something else."""
    st.session_state[f"{page} last shown"] = found.document["hash"]


def last_shown(page: str) -> str | None:
    """Return the name of the run that this browser session saw last on a page."""
    return st.session_state.get(f"{page} last shown")


@contextmanager
def greyed() -> Iterator[None]:
    """Within the block, draw what is shown only until there is something else."""
    st.html("<style>.st-key-last_result { opacity: 0.65; filter: grayscale(0.85); }</style>")
    with st.container(key="last_result"):
        yield


def control() -> None:
    """Draw the choice whether short runs start at once."""
    st.toggle(
        "Run at once",
        True,
        key="at_once",
        bind="query-params",
        help="When a change of a setting asks for a run that should take seconds, start it without a further click. "
        "One that you leave behind unfinished is cancelled, unless somebody else follows it.",
    )


def start(page: str, spec: RunSpec, found: Found | None) -> None:
    """Start the run that the visitor's change of a control asks for, if it is short; call off the one from before."""
    state, opened = st.session_state, f"{page} opened with"
    touched = state.setdefault(opened, spec.hash) != spec.hash
    state[opened] = None if touched else spec.hash  # once touched, always
    if found is None and touched and state.get("at_once", True) and _may_start(spec) and is_short(spec):
        _leave(spec)
        live.start(spec)
        state["started_at_once"] = spec.hash
    elif state.get("started_at_once") not in (None, spec.hash):
        _leave(spec)


def _may_start(spec: RunSpec) -> bool:
    """Tell whether nobody has decided about this run: asked for it, or cancelled it."""
    job = store().runs.look(spec.hash)
    return job is None or (job.state == "cancelled" and spec.hash in st.session_state.get("left", ()))


def _leave(spec: RunSpec) -> None:
    """Cancel the run that this session started at once and does not look at any more; others' runs are left alone."""
    before = st.session_state.pop("started_at_once", None)
    if before not in (None, spec.hash) and store().runs.withdraw(before, live.visitor()):
        st.session_state["left"] = {*st.session_state.get("left", ()), before}


def is_short(spec: RunSpec) -> bool:
    """Tell whether a run's levels should be rebuilt within seconds."""
    try:
        first = costs_of(spec).first
    except MippError:
        return False
    return first is not None and first <= SECONDS
