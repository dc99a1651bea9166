"""Pretrained or uploaded weights, used in place of training; the address names them."""

from collections.abc import Callable
from dataclasses import dataclass
from re import fullmatch

import streamlit as st

from mipp_core.data import DATASETS
from mipp_core.data.normalisation import channel_numbers
from mipp_core.errors import MippError
from mipp_core.experiments.given import worth
from mipp_core.experiments.uploads import Kept, keep_entry, kept_weights
from mipp_core.models import Architecture, family
from mipp_core.models.from_torchvision import PRETRAINED_CLASSES
from mipp_core.runs import NetworkSpec
from mipp_core.runs.naming import digest
from pages.shared import images
from pages.shared.finding import store
from pages.shared.plain import plainly
from pages.shared.turn import turn

Statistics = tuple[tuple[float, ...] | None, tuple[float, ...] | None]
"""Mean and standard deviation per channel; None for the dataset's."""

PARAMETER = "weights"
"""The address's parameter that names the weights, as the store names them."""

FILE = "file"
"""The address's parameter that names the file they came from."""

IMAGENET = DATASETS["imagenet"].normalisation
"""What most public weights for photographs were trained with."""

_LONGEST_NAME = 60
_MOST_ENTRIES = 6
"""Of a file with many sets of weights, so many can be chosen from."""


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


def statistics() -> Statistics:
    """Return the mean and the standard deviation that were typed in.

    Raises:
        SettingError: they are not numbers.
    """
    mean, std = (channel_numbers(name, st.session_state.get(name) or "") for name in ("mean", "std"))
    return mean, std


def forget() -> None:
    """Take given weights out of the address; the store keeps them for other links."""
    for name in (PARAMETER, FILE):
        st.query_params.pop(name, None)
    for name in ("mean", "std"):
        st.session_state[name] = ""


def expander(network_of: Callable[[str], NetworkSpec]) -> None:
    """Draw the upload, or what was uploaded; ``network_of`` returns the network with the weights of a name."""
    present, refusal = own(), st.session_state.pop("upload_refusal", "")
    with st.expander("Given weights", expanded=bool(present.name or present.problem or refusal)):
        if present.name:
            worth_line = st.empty()
            st.success(present.words, icon=":material/check:")
            _choice(present.name)
            _statistics()
            _say_worth(worth_line.container(), present.name, network_of)
        else:
            _pretrained()
            _uploader(refusal)
        if present.name or present.problem:
            st.button("Forget", key="forget_weights", icon=":material/close:", on_click=forget)


def _choice(name: str) -> None:
    """Offer the other sets of weights of the file that was uploaded, and say what was noticed in it."""
    kept: dict[str, Kept] = st.session_state.get("upload_entries", {})
    taken = next((entry for entry, each in kept.items() if each.name == name), None)
    if taken is None:
        return
    if len(kept) > 1:
        st.selectbox(
            "Weights in the file",
            list(kept),
            index=list(kept).index(taken),
            key=f"entry {name}",
            help="The file has several sets of weights that fit this network, such as plain and averaged (EMA) ones.",
            on_change=_take,
            args=(f"entry {name}",),
        )
    for note in kept[taken].notes:
        st.caption(plainly(note))


def _take(key: str) -> None:
    st.query_params[PARAMETER] = st.session_state["upload_entries"][st.session_state[key]].name


def _statistics() -> None:
    """Draw the inputs for the statistics that the weights were trained with."""
    wanted = _wanted()
    usual = images.chosen(st.session_state["dataset"]).normalisation
    for name, label, values in (("mean", "Mean", usual.mean), ("std", "Standard deviation", usual.std)):
        st.text_input(
            label,
            key=name,
            bind="query-params",
            placeholder=" ".join(f"{value:g}" for value in values),
            help="That images are normalised with, one number per channel of pixels in [0, 1]: for weights trained "
            "with other statistics than the dataset's, which are used where this is empty.",
        )
    if wanted is not None and wanted.image_shape[0] == len(IMAGENET.mean):
        st.button("Use ImageNet's mean and std", key="imagenet_statistics", type="tertiary", on_click=_use_imagenet)


def _use_imagenet() -> None:
    for name, values in (("mean", IMAGENET.mean), ("std", IMAGENET.std)):
        st.session_state[name] = " ".join(f"{value:g}" for value in values)


def _say_worth(line: st.delta_generator.DeltaGenerator, name: str, network_of: Callable[[str], NetworkSpec]) -> None:
    """Say which file the weights came from and how good they are, measured when they are first seen."""
    called = plainly(st.query_params.get(FILE, "")[:_LONGEST_NAME])
    if not fullmatch("[0-9a-f]{64}", name):
        return
    try:
        network = network_of(name)
        with line, st.spinner(f"Measuring {called or 'these weights'} on test images…"):
            found = _worth(str(store().root), digest(network), network)
    except MippError:
        line.markdown(f"**{called}**" if called else "")  # what is wrong is said below the controls, or by the run
        return
    later = f"the test accuracy is measured once {network.dataset} is on this machine; a run downloads it"
    called = called or "These weights"
    line.markdown(f"**{called}: {found}**" if found else f"**{called}:** {later}")


@st.cache_data(show_spinner=False, max_entries=64, ttl=60)
def _worth(root: str, name: str, _network: NetworkSpec) -> str:
    """Return given weights' test accuracy in words; empty where images would have to be downloaded first."""
    with turn():
        found = worth(_network, store(), may_download=False)
    return str(found or "")


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
            kept = _all_of(file.getvalue(), wanted)
        st.session_state["upload_entries"] = kept
        st.query_params[PARAMETER] = next(iter(kept.values())).name
        st.query_params[FILE] = file.name.replace("\\", "/").rpartition("/")[2][:_LONGEST_NAME]
    except MippError as problem:
        st.session_state["upload_refusal"] = str(problem)
    st.session_state["uploads"] += 1  # the next uploader is an empty one


def _all_of(content: bytes, wanted: Architecture) -> dict[str, Kept]:
    """Keep every set of weights of a file; the first is the preferred one."""
    first = keep_entry(content, wanted, store())
    kept = {first.entry or "without an outer name": first}
    for entry in [each for each in first.entries if each and each != first.entry][: _MOST_ENTRIES - 1]:
        try:
            kept[entry] = keep_entry(content, wanted, store(), entry)
        except MippError:  # such as values that are not finite, in weights that nobody has asked for
            continue
    return kept


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
