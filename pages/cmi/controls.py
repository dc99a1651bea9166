"""The inputs of the page CMI; every one of them is in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import get_args

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.information.renyi import Width
from mipp_core.models import MODELS
from mipp_core.pruners.cmi_settings import Conditioning, CutOff, Direction, Labels
from mipp_core.reports.cmi_questions import USUAL, own_cut, trained
from mipp_core.runs import RunSpec
from pages.shared import address, at_once, images
from pages.shared.chips import where_images_are
from pages.shared.plain import plainly

_OFFERED: Mapping[str, Sequence[float]] = MappingProxyType(
    {
        "alpha": (0.5, 1.0, 1.01, 1.5, 2.0, 3.0, 5.0),
        "width_factor": (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0),
        "pooled": (0, 1, 2, 4),
        "samples": (64, 128, 256, 512),
        "bends": (1, 3, 5, 20),
    }
)
"""Setting -> the values on its slider."""

_MODELS = tuple(name for name, card in MODELS.items() if card.widths)


def sidebar() -> RunSpec | None:
    """Draw the controls and return the run they describe; None after saying why they describe none."""
    with st.sidebar:
        _network()
        st.caption("How units are ordered")
        _order()
        st.caption("Where the order is cut")
        _cut()
        at_once.control()
    try:
        return _spec()
    except MippError as problem:
        st.error(plainly(str(problem)), icon=":material/block:")
        return None


def apply(spec: RunSpec) -> None:
    """Set the controls to a run's network and settings."""
    network, state = spec.network, st.session_state
    chosen = {"model": network.model, "dataset": network.dataset, "half": network.widths is not None}
    offered = {name: value for name, value in asdict(spec.settings).items() if name in _CONTROLS}
    for key, value in {**chosen, "seed": network.seed, **offered}.items():
        state[key] = value


def _network() -> None:
    st.selectbox("Model", _MODELS, key="model", bind="query-params", help="The network to prune.")
    st.toggle("Half of its width", key="half", bind="query-params", help="Half as many units in every layer.")
    st.selectbox("Dataset", images.choices(), key="dataset", bind="query-params", help=where_images_are())
    address.seed()


def _order() -> None:
    _slider("Order α of the entropy", "alpha", "1.01 in the paper; 2 needs no eigenvalues and takes seconds.")
    _choice("Rule for the kernels' width σ", "width", get_args(Width), "The paper's rule is narrow, so it saturates.")
    _slider("Times σ", "width_factor", "Multiplies the width.")
    _slider("Maps averaged to so many places a side", "pooled", "0 leaves them whole, as in the paper.")
    _slider("Images", "samples", "Entropies cannot exceed log2 of their number; 256 in the paper.")
    _choice("Labels are compared", "labels", get_args(Labels), "Equal or not, or as one-hot vectors.")
    given = "Nothing; the neighbour that was cut before; or all layers that were."
    _choice("What an order is conditioned on", "conditioning", get_args(Conditioning), given)
    ways = "Both ways from the layer that alone can be cut most, or from the input on."
    _choice("Direction", "direction", get_args(Direction), ways)


def _cut() -> None:
    _choice("Cut-off", "cut_off", get_args(CutOff), "By CMI values. The permutation test is known to cut too far.")
    _slider("Bends that Scree tries", "bends", "The sharpest so many are compared by accuracy on held-out images.")


def _choice(label: str, key: str, options: Sequence[str], words: str) -> None:
    usual = options.index(getattr(USUAL, key))
    st.selectbox(label, options, index=usual, key=key, bind="query-params", help=words)


def _slider(label: str, key: str, words: str) -> None:
    usual = getattr(USUAL, key)
    offered = _OFFERED[key]
    st.select_slider(label, offered, value=usual, format_func="{:g}".format, key=key, bind="query-params", help=words)


_CONTROLS = (*_OFFERED, "width", "labels", "conditioning", "direction", "cut_off")
"""Settings that have a control."""


def _spec() -> RunSpec:
    state = st.session_state
    dataset = images.chosen(state["dataset"]).name
    widths = tuple(max(1, width // 2) for width in MODELS[state["model"]].widths) if state["half"] else None
    network = trained(state["model"], dataset, widths, int(state["seed"]))
    return own_cut(network, replace(USUAL, **{name: state[name] for name in _CONTROLS}))
