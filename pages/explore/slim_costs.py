"""What the slim network costs beside the dense one: counted at once, timed when asked."""

from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from mipp_core import jobs
from mipp_core.errors import MippError
from pages.explore.slim_choice import Chosen
from pages.shared.amounts import in_bytes
from pages.shared.finding import store
from pages.shared.turn import turn

SECONDS = 3.0
"""For all measurements together."""

ROWS = MappingProxyType({"parameters": "Parameters", "macs": "MACs", "bytes": "Weights"})


def costs(chosen: Chosen) -> None:
    """Draw one table of what both networks cost; milliseconds come last, once they are measured."""
    sizes, table, words = _sizes(chosen.key, chosen), st.empty(), st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        device = _device()
        if st.button("Measure latency on this machine", key="slim_latency", icon=":material/timer:"):
            _measure(chosen, device)
    measured = st.session_state.get("slim_measured", {})
    measured = measured if measured.get("of") == chosen.key else None
    rows = _counted(sizes) + (_timed(measured["table"], measured["busy"]) if measured else [])
    table.table(
        pd.DataFrame(rows, columns=["Cost", "Dense", "Slim", "Ratio"]),
        border="horizontal",
        hide_index=True,
        alt="Costs of the dense and the slim network",
    )
    with words:
        _what_to_see(sizes.ratio["macs"], measured)


@st.cache_data(show_spinner=False, max_entries=256)
def _sizes(key: str, _chosen: Chosen) -> pd.DataFrame:
    with turn():
        return _chosen.load().sizes()


def _device() -> str:
    """Return where to measure; there is a choice only if there is an accelerator."""
    known = [*dict.fromkeys(("cpu", *jobs.devices()))]
    if len(known) == 1:
        return known[0]
    return st.segmented_control("Device", known, default=known[0], required=True, key="slim_device")


def _measure(chosen: Chosen, device: str) -> None:
    busy = _busy()
    try:
        with st.spinner(f"Measuring, about {SECONDS:.0f} s…"), turn():
            table = chosen.load().latency(device, SECONDS)
    except MippError as problem:
        st.error(str(problem), icon=":material/block:")
    else:
        st.session_state["slim_measured"] = {"of": chosen.key, "table": table, "busy": busy or _busy()}


def _busy() -> bool:
    """Tell whether a worker of this machine computes."""
    return any(job.state == "running" for job in store().runs.list())


def _counted(sizes: pd.DataFrame) -> list[tuple[str, ...]]:
    return [
        (ROWS[name], _amount(name, row["dense"]), _amount(name, row["slim"]), _times(row["ratio"]))
        for name, row in zip(map(str, sizes.index), sizes.to_dict("records"), strict=True)
    ]


def _timed(table: pd.DataFrame, busy: bool) -> list[tuple[str, ...]]:
    """Return the rows of times; a ratio is a result only in quiet, and where the ranges of both do not overlap."""
    return [
        (
            "Time, 1 image" if row["batch"] == 1 else f"Time, {row['batch']} images",
            _span(row["dense"], row["dense_low"], row["dense_high"]),
            _span(row["slim"], row["slim_low"], row["slim_high"]),
            _times(row["ratio"]) if not busy and _apart(row) else f"{row['ratio']:.2f}×, unsure",
        )
        for row in table.to_dict("records")
    ]


def _apart(row: dict[Any, Any]) -> bool:
    return row["slim_high"] < row["dense_low"] or row["dense_high"] < row["slim_low"]


def _amount(name: str, value: float) -> str:
    return in_bytes(value) if name == "bytes" else f"{value:,.0f}"


def _times(ratio: float) -> str:
    return f"**{ratio:.2f}×**"


def _span(median: float, low: float, high: float) -> str:
    return f"{_in_ms(median)} ms :small[:gray[({_in_ms(low)}–{_in_ms(high)})]]"


def _in_ms(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _what_to_see(fewer: float, measured: dict[str, Any] | None) -> None:
    if measured is None:
        st.caption(
            f"What to see: how much smaller it is. Whether {fewer:.1f}× fewer MACs also save time must be measured."
        )
        return
    table = measured["table"]
    first = table.to_dict("records")[0]
    threads = f"{first['threads']} thread{'s' if first['threads'] > 1 else ''}"
    st.caption(
        f"What to see: MACs are not milliseconds. {fewer:.2f}× fewer MACs, {_range(table.ratio)} times as fast on "
        f"{first['device']} ({threads}, {first['dtype']}). Times are medians, in brackets 10% to 90% of the runs; "
        "*unsure* where these overlap, or where a run disturbed them."
    )
    if measured["busy"]:
        st.warning(
            "A run was going on at the same time, which disturbs the times. Measure again once it has ended.",
            icon=":material/hourglass_top:",
        )


def _range(ratios: pd.Series) -> str:
    low, high = f"{ratios.min():.2f}", f"{ratios.max():.2f}"
    return low if low == high else f"{low} to {high}"
