"""The slim network of one level: what it costs, and the files to download."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.exporting import CHECKED, FORMATS, Written
from mipp_core.reports.archive import pack_slim, slim_description
from mipp_core.runs import entry_of
from pages.explore.slim_choice import Chosen
from pages.explore.slim_costs import costs
from pages.shared.amounts import in_bytes
from pages.shared.finding import Found
from pages.shared.turn import turn

LABELS = MappingProxyType({"pt2": ".pt2", "onnx": "ONNX"})

COMMANDS = """\
python -m mipp_core export .
python -m mipp_core latency ."""


def panel(found: Found, level: int) -> None:
    """Draw the panel; without weights there is nothing to show."""
    if entry_of(found.document, level)["accuracy_retrained"] is not None and found.has_weights(level):
        st.header("The slim network", anchor=False)
        _body(Chosen(found, level))


@st.fragment
def _body(chosen: Chosen) -> None:
    known = chosen.measures()
    if len(known) > 1:
        measure = st.segmented_control(
            "Weights",
            known,
            default="retrained",
            format_func=str.capitalize,
            required=True,
            key="slim_weights",
            help="Retrained, or made in one click: right after cutting, with fresh BatchNorm statistics, or rebuilt in "
            "closed form. The top of the page shows the accuracy of each.",
        )
        chosen = replace(chosen, measure=measure)
    left, right = st.columns([3, 2], gap="large")
    try:
        if chosen.measure != "retrained":
            with st.spinner(f"Making the {chosen.measure} weights…"), turn():
                chosen.load()
        with left:
            costs(chosen)
        with right:
            _files(chosen)
    except MippError as problem:
        st.error(str(problem), icon=":material/block:")


def _files(chosen: Chosen) -> None:
    document, level = chosen.found.document, chosen.level
    row, notes = st.container(horizontal=True, gap="small"), st.container()
    with row:
        _download("slim.safetensors", lambda: pack_slim(chosen.load().weights), "The weights.")
        _download(
            "slim.json",
            lambda: json.dumps(slim_description(document, level, chosen.measure)),
            "The dense architecture, and which units were kept.",
        )
    for kind in FORMATS:
        _offer(chosen, kind, row, notes)
    st.caption("The same in a terminal, in the folder of slim.safetensors and slim.json:")
    st.code(COMMANDS, language="bash", wrap_lines=True)


def _offer(chosen: Chosen, kind: str, row: Any, notes: Any) -> None:
    """Offer a file that must be made first: a button, and once it is made and checked, the download."""
    written = _made(chosen, kind, notes) if kind in _asked(chosen) else None
    with row:
        if written is None:
            words = f"Writes the file, runs it on {CHECKED} random images and compares it with the network."
            st.button(
                f"Write and check {LABELS[kind]}",
                key=f"slim_{kind}",
                icon=":material/task_alt:",
                on_click=partial(_ask, chosen, kind),
                help=words,
            )
            return
        size = f" ({in_bytes(len(written.content))})"
        _download(f"slim.{kind}", lambda: written.content, FORMATS[kind].description, size)
    notes.caption(f"✓ slim.{kind}: {_agreement(written.difference)} on {CHECKED} random images.")


def _agreement(difference: float) -> str:
    """Say how far a file's outputs are from the network's."""
    if difference == 0:
        return "its outputs equal the network's to the last bit"
    digits = f"{difference:.1e}".replace("-", "−")  # a hyphen would let the line break there
    return f"its outputs differ from the network's by at most {digits} of the largest one"


def _made(chosen: Chosen, kind: str, notes: Any) -> Written | None:
    """Make a file, or return it if it was made before; None after saying why it cannot be made."""
    try:
        with notes, st.spinner(f"Writing {LABELS[kind]} and comparing it with the network…"):
            return _written(chosen.key, kind, chosen)
    except MippError as problem:
        _asked(chosen).remove(kind)
        notes.error(str(problem), icon=":material/block:")
        return None


@st.cache_resource(show_spinner=False, max_entries=4)
def _written(key: str, kind: str, _chosen: Chosen) -> Written:
    with turn():
        return _chosen.load().write(kind)


def _asked(chosen: Chosen) -> list[str]:
    """Return the formats that this visitor asked for of this network; changed in place."""
    asked = st.session_state.get("slim_asked", {})
    if asked.get("of") != chosen.key:
        asked = st.session_state["slim_asked"] = {"of": chosen.key, "kinds": []}
    return asked["kinds"]


def _ask(chosen: Chosen, kind: str) -> None:
    _asked(chosen).append(kind)


def _download(file_name: str, data: Callable[[], str | bytes], words: str, size: str = "") -> None:
    """Offer a file that is made when it is asked for."""
    st.download_button(
        f"{file_name}{size}",
        data,
        file_name,
        on_click="ignore",
        key=f"download {file_name}",
        icon=":material/download:",
        help=words,
    )
