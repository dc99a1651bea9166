"""How units are tested: with trained regressors or in closed form, and the settings of each."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

import streamlit as st

from mipp_core.pruners import SMALL, ClosedForm, Decider, Mipp
from mipp_core.runs import RunSpec
from mipp_core.vocabulary import Reference
from pages.shared import finding

AUTOMATIC, REGRESSORS, CLOSED_FORM = "automatic", "regressors", "closed form"
"""What may be chosen."""

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "method": AUTOMATIC,
        "collapse": "l1",
        "reference": "control",
        "estimate_size": 64,
        "budget": 0.0,
        "small": False,
        "images": 50,
        "noise": 0.004,
        "spread": "alike",
    }
)

COLLAPSES = MappingProxyType({"l1": "L1 norm", "l2": "L2 norm", "mean": "mean magnitude", "std": "standard deviation"})

SPREADS = MappingProxyType({"alike": "the same", "parameters": "by its parameters", "macs": "by its MACs"})

_OF_REGRESSORS = ("collapse", "reference", "estimate_size", "budget", "small")


def control() -> None:
    """Draw the choice of the method, and the settings of the one that is chosen."""
    _read_older_address()
    method = st.selectbox(
        "Method",
        [AUTOMATIC, REGRESSORS, CLOSED_FORM],
        key="method",
        bind="query-params",
        help="Trained regressors, as in the paper, take minutes; the closed form fits the next layer by least squares, "
        "which takes seconds. Automatic: the run with regressors where the package ships one for these settings, the "
        "closed form for all others. The page names the method beside every result.",
    )
    with st.expander("How a unit is tested"):
        if method == REGRESSORS:
            _regressors()
        else:
            _closed_form()


def chosen(make: Callable[[str, Decider], RunSpec], pixels: bool) -> RunSpec:
    """Return the run by the chosen method; automatically, the shipped one if there is one, else the closed form."""
    method = _value("method")
    if method == REGRESSORS:
        return make("mipp", _mipp(pixels))
    closed = make("mipp-closed-form", _closed(pixels))
    if method == AUTOMATIC and closed.settings == ClosedForm(pixels=pixels):
        shipped = make("mipp", Mipp(pixels=pixels))
        return shipped if finding.is_shipped(shipped) else closed
    return closed


def _value(key: str) -> Any:
    return st.session_state.get(key, DEFAULTS[key])


def _read_older_address() -> None:
    """Addresses from before there was a choice name settings of regressors and no method."""
    is_open = "method" not in st.session_state and "method" not in st.query_params
    if is_open and any(key in st.query_params for key in _OF_REGRESSORS):
        st.session_state["method"] = REGRESSORS


def _mipp(pixels: bool) -> Mipp:
    return replace(
        SMALL if _value("small") else Mipp(),
        collapse=_value("collapse"),
        reference=_value("reference"),
        estimate_size=int(_value("estimate_size")),
        budget=float(_value("budget")),
        pixels=pixels,
    )


def _closed(pixels: bool) -> ClosedForm:
    images, noise, spread = int(_value("images")), float(_value("noise")), _value("spread")
    meant = ClosedForm(estimate_size=images, noise=noise, pixels=pixels)
    return meant if spread == DEFAULTS["spread"] else meant.towards(spread)


def _regressors() -> None:
    st.toggle(
        "Small setting",
        key="small",
        bind="query-params",
        help="Fewer samples, two small regressors per test, longer blocks: for wide networks on a CPU.",
    )
    st.selectbox(
        "Collapse a filter's map by",
        list(COLLAPSES),
        format_func=COLLAPSES.__getitem__,
        key="collapse",
        bind="query-params",
        help="L1 and mean magnitude differ by a constant, so they decide alike.",
    )
    st.selectbox(
        "Reference loss",
        get_args(Reference),
        index=get_args(Reference).index(DEFAULTS["reference"]),
        key="reference",
        bind="query-params",
        help="Compare with the full layer (fixed; the paper's Algorithm 2), with the units still retained "
        "(current), or with those, retrained in the same way (control): free of bias; noise goes at level 0.",
    )
    st.select_slider(
        "Samples per estimate",
        [16, 64, 256, 1024, 4096, 16384],
        value=DEFAULTS["estimate_size"],
        key="estimate_size",
        bind="query-params",
        help="Fewer samples make each estimate less sure, so the confidence level prunes more.",
    )
    st.select_slider(
        "Information budget",
        [0.0, 0.001, 0.003, 0.01, 0.03, 0.1],
        key="budget",
        format_func="{:.1%}".format,
        bind="query-params",
        help="Share of a layer's information that a removal may cost; 0 as in the paper.",
    )
    st.caption(
        "One estimate is the loss reduction of one trained regressor on a sample of this size. The paper does not "
        "say what varies between its estimates; here the sample and the regressor do. Standard errors are measured "
        "on all held-out activations, so the choice of units is not left to noise."
    )


def _closed_form() -> None:
    st.select_slider(
        "Images per estimate",
        [5, 10, 20, 50, 100, 200, 500],
        value=DEFAULTS["images"],
        key="images",
        bind="query-params",
        help="Fewer images make each estimate less sure, so the confidence level prunes more.",
    )
    st.select_slider(
        "Noise",
        [0.001, 0.002, 0.004, 0.008, 0.016],
        value=DEFAULTS["noise"],
        format_func="{:.1%}".format,
        key="noise",
        bind="query-params",
        help="Share of a unit's variance in the next layer below which a loss does not matter.",
    )
    st.selectbox(
        "What a layer may lose",
        list(SPREADS),
        format_func=SPREADS.__getitem__,
        key="spread",
        bind="query-params",
        help="The same share for all layers; or, counted by what the outputs hear of it, more where units cost more "
        "parameters or multiply-accumulates.",
    )
    st.caption("In closed form; a choice here leaves the shipped run. Trained regressors have settings of their own.")
