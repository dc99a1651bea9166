"""Pretrained or uploaded weights, used in place of training; the address names them."""

from dataclasses import dataclass

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.experiments.uploads import keep_weights, kept_weights
from mipp_core.models import Architecture, family
from mipp_core.models.from_torchvision import PRETRAINED_CLASSES
from mipp_core.runs import NetworkSpec
from pages.shared import images
from pages.shared.finding import store
from pages.shared.turn import turn

PARAMETER = "weights"
"""The address's parameter that names the weights, as the store names them."""


@dataclass(frozen=True)
class Own:
    """What the address says about given weights; usually nothing.

    Attributes:
        name: of weights that fit the chosen network; None otherwise.
        words: what they are.
        problem: why those in the address cannot be used.
    """

    name: str | None = None
    words: str = ""
    problem: str = ""


def own() -> Own:
    """Look at the weights in the address."""
    name, wanted = st.query_params.get(PARAMETER), _wanted()
    if not name or wanted is None:
        return Own()
    if name in family(wanted.family).weights:
        return Own(name, words=f"{name} of torchvision, downloaded when the run starts. Pruned without training.")
    try:
        return Own(name, words=_words(str(store().root), name, wanted))
    except MippError as problem:
        return Own(problem=str(problem))


def forget() -> None:
    """Take given weights out of the address; the store keeps them for other links."""
    st.query_params.pop(PARAMETER, None)


def expander() -> None:
    """Draw the upload, or what was uploaded."""
    present, refusal = own(), st.session_state.pop("upload_refusal", "")
    with st.expander("Given weights", expanded=bool(present.name or present.problem or refusal)):
        if present.name:
            st.success(present.words, icon=":material/check:")
        else:
            _pretrained()
            _uploader(refusal)
        if present.name or present.problem:
            st.button("Forget", key="forget_weights", icon=":material/close:", on_click=forget)


def _pretrained() -> None:
    """Offer torchvision's weights where they fit."""
    wanted = _wanted()
    names = family(wanted.family).weights if wanted and wanted.classes == PRETRAINED_CLASSES else ()
    with st.container(horizontal=True):
        for name in names:
            st.button(name, key=f"pretrained {name}", on_click=_choose, args=(name,))


def _choose(name: str) -> None:
    st.query_params[PARAMETER] = name


def _uploader(refusal: str) -> None:
    st.caption("A state dict of the model above, as safetensors or from `torch.save`. It is read, never executed.")
    wanted, key = _wanted(), f"upload {st.session_state.setdefault('uploads', 0)}"
    st.file_uploader(
        "State dict",
        key=key,
        label_visibility="collapsed",
        disabled=wanted is None,
        on_change=_keep,
        args=(key, wanted),
    )
    if refusal:
        st.error(refusal, icon=":material/block:")


def _keep(key: str, wanted: Architecture | None) -> None:
    """Keep an upload's weights and name them in the address, or say why not; then let go of the file."""
    file = st.session_state[key]
    if file is None or wanted is None:
        return
    try:
        with turn():
            st.query_params[PARAMETER] = keep_weights(file.getvalue(), wanted, store())
    except MippError as problem:
        st.session_state["upload_refusal"] = str(problem)
    st.session_state["uploads"] += 1  # the next uploader is an empty one


def _wanted() -> Architecture | None:
    """Return the architecture that the controls describe; None, reported elsewhere, if there is none."""
    try:
        return NetworkSpec(st.session_state["model"], images.chosen(st.session_state["dataset"]).name).architecture
    except MippError:
        return None


@st.cache_data(show_spinner=False, max_entries=32, ttl=60)
def _words(root: str, name: str, wanted: Architecture) -> str:
    """Describe weights after reading, hashing and checking them.  Kept for a minute, as others may delete them."""
    with turn():
        tensors = kept_weights(name, wanted, store().blobs)
    count = sum(tensor.numel() for tensor in tensors.values())
    return f"{wanted.family}: {len(tensors)} tensors, {count:,} numbers. Pruned as they are, without training."
