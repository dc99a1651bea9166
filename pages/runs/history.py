"""The table of runs, and what can be done with those that are chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from mipp_core import jobs
from mipp_core.errors import MippError
from mipp_core.figures import AXES, compare_curves
from mipp_core.reports.tables import curve_table
from mipp_core.runs import RunSpec
from mipp_core.store import Job
from mipp_core.store.transfer import pack_run
from pages.runs import shipped
from pages.shared import live
from pages.shared.amounts import in_bytes
from pages.shared.chips import chips
from pages.shared.finding import Found, figures, find, find_named, store
from pages.shared.told import goes_on, words

POLL = 2.0
"""Seconds between looks while something waits or goes on."""

SHORTEST_NAME = 4
"""The fewest digits of a run's name by which it can be found."""

STATES = MappingProxyType(
    {
        "running": "► going on",
        "queued": "… waiting",
        "done": "✓ done",
        "cancelled": "■ cancelled",
        "failed": "✕ failed",
    }
)


@dataclass(frozen=True)
class Entry:
    """A job with its specification; None where this version cannot read it."""

    job: Job
    spec: RunSpec | None

    @cached_property
    def found(self) -> Found | None:
        """The result, read when it is first asked for."""
        if self.spec is None:
            return None
        return find(self.spec) if self.spec.hash == self.job.hash else find_named(self.job.hash)


def show() -> None:
    """Draw the page; it follows by itself while something waits or goes on."""
    known = store().runs.list()
    busy = any(map(goes_on, known))
    st.fragment(_table, run_every=POLL if busy else None)(busy)
    shipped.panel(is_first=not known)
    _storage()


def _entry(job: Job) -> Entry:
    try:
        return Entry(job, RunSpec.from_json(job.spec))
    except MippError:
        return Entry(job, None)


def _columns() -> dict[str, Any]:
    """Return the columns, new for each drawing: Streamlit may write into what it is given."""
    return {
        "state": st.column_config.TextColumn("State", width=95),
        "progress": st.column_config.ProgressColumn(
            "Progress", min_value=0.0, max_value=1.0, format="percent", width=120
        ),
        "spec": st.column_config.ListColumn("What", width=400),
        "words": st.column_config.TextColumn("Now", width=225, help="What it is doing, or why it stopped."),
        "dense": st.column_config.NumberColumn("Dense", format="percent", help="Test accuracy of the dense network."),
        "removed": st.column_config.NumberColumn(
            "Removed at −1 point", format="percent", help="Most units removed with retrained accuracy within 1 point."
        ),
        "device": st.column_config.TextColumn("Device", width=105),
        "asked": st.column_config.DatetimeColumn("Asked", format="distance"),
    }


def _table(followed: bool) -> None:
    entries = [_entry(job) for job in store().runs.list()]
    if not entries:
        st.info(
            "Nothing has been run on this machine yet. Change a setting on [Explore](./) or [CMI](./cmi), or compare "
            "pruners on [Compare](./compare): whatever that computes is listed here, for everyone on this machine.",
            icon=":material/info:",
        )
        return
    busy = any(goes_on(entry.job) for entry in entries)
    if busy != followed:
        st.rerun()  # to begin or to end following
    if busy:
        jobs.ensure(store())
    entries = _filtered(entries)
    columns, names = _columns(), [entry.job.hash for entry in entries]
    event = st.dataframe(
        pd.DataFrame([_row(entry) for entry in entries], columns=list(columns)),
        column_config=columns,
        hide_index=True,
        # Ticks are kept by row number: other rows get another key, so that no tick passes to another run.
        key=f"table {hash(tuple(names))}",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": _ticked(names)}},
        alt="All runs with their state, progress and headline figures",
        placeholder="–",
    )
    chosen = [entries[row] for row in event.selection.rows if row < len(entries)]
    st.session_state["ticks"] = {entry.job.hash for entry in chosen}
    if chosen:
        _actions(chosen)
    else:
        st.caption("Tick rows at their left edge to open, compare, cancel, repeat, export or delete them.")
    refusal = st.session_state.pop("refusal", None)
    if refusal:
        st.error(refusal, icon=":material/block:")


def _ticked(names: list[str]) -> list[int]:
    """Return the rows to tick when the table has other rows than before: those of runs that were ticked in it.

    So a tick outlives a run that is asked for, begins or ends meanwhile, by anyone.  While the rows stay the same, so
    does what is returned: the table itself keeps its ticks.
    """
    state = st.session_state
    if state.get("ticked_rows", ([], []))[0] != names:
        ticks = state.get("ticks", set())
        state["ticked_rows"] = names, [row for row, name in enumerate(names) if name in ticks]
    return state["ticked_rows"][1]


def _filtered(entries: list[Entry]) -> list[Entry]:
    with st.container(horizontal=True, vertical_alignment="top"):
        states = st.pills(
            "State",
            list(STATES),
            selection_mode="multi",
            format_func=STATES.__getitem__,
            key="states",
            bind="query-params",
            wrap=True,
        )
        words = st.text_input("Find", key="find", placeholder="lenet5 seed 3", bind="query-params", width=260)
    kept = [entry for entry in entries if not states or entry.job.state in states]
    return [entry for entry in kept if all(_matches(entry, word) for word in words.lower().split())]


def _matches(entry: Entry, word: str) -> bool:
    """Look for a word in what the row says; a number must be a whole word, a run's name may be cut short."""
    text = f"{' '.join(_chips(entry))} {entry.job.message}".lower()
    named = len(word) >= SHORTEST_NAME and entry.job.hash.startswith(word)
    return named or (word in text.split() if word.isdecimal() else word in text)


def _chips(entry: Entry) -> list[str]:
    return chips(entry.spec) if entry.spec else ["made by another version"]


def _row(entry: Entry) -> dict[str, Any]:
    job, known = entry.job, (figures(entry.spec, entry.job) if entry.spec else None) or {}
    going = goes_on(job)
    return {
        "state": STATES[job.state],
        "progress": job.done,
        "spec": _chips(entry),
        "dense": known.get("dense"),
        "removed": known.get("removed"),
        "device": job.device or known.get("device", ""),
        "asked": pd.Timestamp(job.asked_at, unit="s", tz="UTC"),
        "words": words(job) if going else " ".join([job.message, *job.notes]),
    }


def _actions(chosen: list[Entry]) -> None:
    going = [entry for entry in chosen if goes_on(entry.job)]
    stopped = [entry.spec for entry in chosen if entry.job.state in ("cancelled", "failed") and entry.spec]
    shown = [(entry, entry.found) for entry in chosen if entry.found]
    with st.container(horizontal=True):
        if len(chosen) == 1 and chosen[0].spec:
            address = f"./?run={chosen[0].job.hash}"
            st.link_button("Open in Explore", address, icon=":material/tune:", type="primary")
        if going:
            st.button("Cancel", key="cancel_runs", icon=":material/stop:", on_click=_cancel, args=(going,))
        if stopped:
            st.button("Try again", key="retry_runs", icon=":material/replay:", on_click=_retry, args=(stopped,))
        if len(chosen) == 1 and shown:
            _export(*shown[0])
        with st.popover("Delete", icon=":material/delete:"):
            st.write(f"Delete {len(chosen)} run{'s' if len(chosen) > 1 else ''}? This cannot be undone.")
            st.button("Delete for good", key="delete_runs", type="primary", on_click=_delete, args=(chosen,))
    if len(shown) > 1:
        _compare(shown)


def _export(entry: Entry, found: Found) -> None:
    name = f"mipp-{entry.job.hash}"
    table = curve_table(found.document)
    files: list[tuple[str, Callable[[], str | bytes], str, str]]
    files = [("Curve (CSV)", lambda: table.to_csv(index=False), f"{name}.csv", "text/csv")]
    if entry.job.changed_at:  # otherwise the figures came with the package and are not in the store
        files += [("Run (zip)", lambda: pack_run(store(), entry.job.hash), f"{name}.zip", "application/zip")]
    for label, data, file_name, mime in files:
        st.download_button(label, data, file_name, mime, on_click="ignore", icon=":material/download:")


def _compare(shown: list[tuple[Entry, Found]]) -> None:
    st.header("Side by side", anchor=False)
    x = st.segmented_control(
        "Horizontal axis", list(AXES), format_func=AXES.__getitem__, default="sparsity", required=True, wrap=True
    )
    figure = compare_curves({_name(entry): curve_table(found.document) for entry, found in shown}, x)
    st.plotly_chart(figure, key="compare_runs", alt="Retrained accuracy of the chosen runs by share removed")
    st.caption("Retrained accuracy; rebuilt accuracy where a run was not retrained. Click a name to hide its curve.")


def _name(entry: Entry) -> str:
    return f"{', '.join(_chips(entry))} ({entry.job.hash[:6]})"


def _cancel(entries: list[Entry]) -> None:
    for entry in entries:
        store().runs.cancel(entry.job.hash)


def _retry(specs: list[RunSpec]) -> None:
    for spec in specs:
        live.start(spec)


def _delete(entries: list[Entry]) -> None:
    for entry in entries:
        store().runs.delete(entry.job.hash)


def _storage() -> None:
    space = store().space()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Storage: {in_bytes(space.total)} in {store().root}, {in_bytes(space.tensors)} of it weights. "
            "Making room deletes weights that no run uses any more; figures and decisions stay."
        )
        st.button("Make room", key="collect", icon=":material/cleaning_services:", on_click=_collect)
    freed = st.session_state.pop("freed", None)
    if freed is not None:
        st.toast(f"{in_bytes(freed)} freed.")


def _collect() -> None:
    st.session_state["freed"] = store().collect()
