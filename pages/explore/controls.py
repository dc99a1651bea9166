"""The inputs of Explore; every one of them is in the address."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.models import MODELS
from mipp_core.pruners import Decider
from mipp_core.recipes import RECIPES
from mipp_core.runs import NetworkSpec, RunSpec
from pages.explore import levels, method, own_weights, selection
from pages.shared import address, at_once, finding, images
from pages.shared.chips import chips, where_images_are
from pages.shared.plain import plainly
from pages.shared.presets import PRESETS, RUNS

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "model": "lenet5",
        "dataset": "mnist",
        "deformation": 0.0,
        "start": "trained",
        "seed": 0,
        "pixels": False,
        "fine": False,
        **method.DEFAULTS,
    }
)


def sidebar() -> RunSpec | None:
    """Draw the controls and return the run they describe; None after saying why they describe none."""
    with st.sidebar:
        st.caption("Start from")
        _presets()
        _network()
        _pruning()
        own_weights.expander(_network_of)
    own = own_weights.own()
    if own.problem:
        st.warning(own.problem, icon=":material/block:")
    try:
        return _spec(own.name)
    except MippError as problem:
        st.error(plainly(str(problem)), icon=":material/block:")
        return None


def _place(key: str, names: Iterable[str]) -> int:
    """Return where a control's default stands in its list."""
    return list(names).index(DEFAULTS[key])


def _presets() -> None:
    with st.container(horizontal=True, gap="small"):
        for name, changed in PRESETS.items():
            st.button(name, key=f"preset {name}", on_click=apply, args=(changed,))
        for name, folder in RUNS.items():
            st.button(name, key=f"preset {name}", on_click=_open, args=(folder,))


def apply(changed: Mapping[str, Any]) -> None:
    """Set controls, and all others to their defaults; no level is asked for, and no weights are given."""
    for key, value in {**DEFAULTS, **changed}.items():
        st.session_state[key] = value
    levels.forget()
    selection.forget()
    own_weights.forget()


def _open(folder: str) -> None:
    levels.forget()
    selection.forget()
    st.query_params["run"] = finding.shipped_name(folder)


def _network() -> None:
    st.selectbox(
        "Model",
        list(MODELS),
        index=_place("model", MODELS),
        key="model",
        bind="query-params",
        accept_new_options=True,
        help="The network to prune; type torchvision:NAME for any other of torchvision's.",
    )
    st.selectbox(
        "Dataset",
        images.choices(),
        index=_place("dataset", images.choices()),
        key="dataset",
        bind="query-params",
        help=where_images_are(),
    )
    images.deformation()
    st.segmented_control(
        "Prune the network",
        ["trained", "at initialisation"],
        default=DEFAULTS["start"],
        key="start",
        required=True,
        bind="query-params",
        disabled=own_weights.own().name is not None,
        help="After training, or before it has seen any data; your own weights count as trained.",
    )
    address.seed()


def _pruning() -> None:
    st.toggle("Prune pixels", key="pixels", bind="query-params", help="Test the image's pixels as a zeroth layer.")
    levels.fine_control()
    method.control()
    at_once.control()


def _network_of(weights: str | None) -> NetworkSpec:
    """Return the network that the controls describe; one with given weights is not trained."""
    state = st.session_state
    mean, std = own_weights.statistics() if weights else (None, None)
    card = images.chosen(state.dataset)
    return NetworkSpec(
        model=state.model,
        dataset=card.name,
        deformation=round(float(state.deformation), 2),
        recipe=RECIPES["none"] if weights else card.recipes.live_pair()[0],
        seed=int(state.seed),
        weights=weights,
        mean=mean,
        std=std,
    )


def _spec(weights: str | None) -> RunSpec:
    state = st.session_state
    trained = state.start != "at initialisation" or weights is not None
    training, retraining = images.chosen(state.dataset).recipes.live_pair()
    network = _network_of(weights)

    def make(pruner: str, settings: Decider) -> RunSpec:
        return RunSpec(
            network=network,
            trained=trained,
            pruner=pruner,
            settings=settings,
            confidences=levels.confidences(),
            retraining=retraining if trained else training,
            controls=("random", "magnitude"),
        )

    return method.chosen(make, bool(state.pixels))


def named_run(name: str) -> RunSpec | None:
    """Show which run the address names, in place of the settings; None after saying that there is none."""
    spec, problem = None, ""
    try:
        spec = finding.by_name(name)
    except MippError as error:
        problem = str(error)
    with st.sidebar:
        st.header("One run", anchor=False)
        if spec is not None:
            st.markdown(" ".join(f":gray-badge[{chip}]" for chip in chips(spec)))
        st.button("Back to the settings", key="back", icon=":material/tune:", on_click=_forget_run)
    if spec is None:
        missing = (
            f"This machine has no run called {name[:20]!r}; it may have been deleted. Look at the page Runs, or go "
            "back to the settings."
        )
        st.error(plainly(problem) or missing, icon=":material/block:")
    elif spec.hash != name:
        st.info(
            "An earlier version of the code made this run; the figures are what it gave. Start the run again to see "
            "what this version gives.",
            icon=":material/history:",
        )
    return spec


def _forget_run() -> None:
    st.query_params.pop("run", None)
