"""What can be pruned of the chosen network, and why not the rest: computed once it is asked for."""

from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from mipp_core.cutting.inspection import Inspection, inspect
from mipp_core.errors import MippError
from mipp_core.models import Architecture
from mipp_core.network.guessing import example_images
from mipp_core.runs import NetworkSpec
from pages.shared.plain import plainly
from pages.shared.turn import turn

FATES = "; ".join(
    (
        "pruned: its units can be removed",
        "goes with: it loses the channels of units that are removed elsewhere",
        "whole: it keeps all",
        "left out: no pruned network has it",
    )
)

COLUMNS: MappingProxyType[str, Any] = MappingProxyType(
    {
        "name": st.column_config.TextColumn("Layer", width=155, pinned=True),
        "fate": st.column_config.TextColumn("Fate", width=75, help=FATES),
        "why": st.column_config.TextColumn("Why", width=460),
        "parameters": st.column_config.NumberColumn("Parameters", format="localized", width=90),
        "kind": st.column_config.TextColumn("Kind", width=160),
    }
)
"""The table's columns; what matters most is on the left, and the layer's name stays there, for small screens."""


@st.fragment
def panel(network: NetworkSpec) -> None:
    """Draw the panel; closed, it costs nothing."""
    box = st.expander("What can be pruned", key="prunable", bind="query-params")
    if box.open:
        with box:
            _body(network)


def _body(network: NetworkSpec) -> None:
    with st.spinner("Following every channel of this network…"):
        found = _found(network)
    if isinstance(found, str):
        st.error(plainly(found), icon=":material/block:")
        return
    st.markdown(" ".join(found.words()))
    st.dataframe(
        pd.DataFrame(found.rows)[[*COLUMNS]],
        hide_index=True,
        column_config={**COLUMNS},
        alt="Every part of the network with weights, what pruning can do to it, and why",
    )
    st.caption(
        "What to see: what stays whole, and why. The parts are in the order in which they run; a click on *Fate* sorts "
        "them by it."
    )


def _found(network: NetworkSpec) -> Inspection | str:
    """Look at a network; where it cannot be pruned, return the sentence that says why."""
    try:
        return _inspected(network.architecture)
    except MippError as problem:
        return str(problem)


@st.cache_data(show_spinner=False, max_entries=64)
def _inspected(wanted: Architecture) -> Inspection | str:
    """Follow a network on its shapes alone, so that even the largest takes neither memory nor long."""
    try:
        with turn():
            wanted.check_runs()
            return inspect(wanted.sketch().eval(), example_images(wanted.image_shape))
    except MippError as problem:
        return str(problem)
