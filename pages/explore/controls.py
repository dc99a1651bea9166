"""The inputs of Explore; every one of them is in the address."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.information import confidence_of
from mipp_core.information.confidence import level_of
from mipp_core.models import MODELS
from mipp_core.pruners import SMALL, Mipp
from mipp_core.recipes import RECIPES
from mipp_core.runs import NetworkSpec, RunSpec, entry_of
from mipp_core.runs.document import RunDocument
from mipp_core.vocabulary import Reference
from pages.explore import own_weights
from pages.shared import finding, images
from pages.shared.chips import chips, where_images_are
from pages.shared.plain import plainly

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "Trained LeNet5": {},
        "LeNet5 at initialisation": {"start": "at initialisation"},
        "Pixels": {"pixels": True, "level": 1},
        "Deformed digits, live": {"dataset": "mnist-sample", "deformation": 0.5},
        "MLP, live": {"dataset": "mnist-sample", "model": "mlp"},
    }
)
"""Button -> the controls that it sets to other values than the defaults."""

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "model": "lenet5",
        "dataset": "mnist",
        "deformation": 0.0,
        "start": "trained",
        "collapse": "l1",
        "seed": 0,
        "pixels": False,
        "reference": "fixed",
        "estimate_size": 256,
        "budget": 0.0,
        "level": 3,
        "small": False,
    }
)

COLLAPSES = MappingProxyType({"l1": "L1 norm", "l2": "L2 norm", "mean": "mean magnitude", "std": "standard deviation"})


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
            st.button(name, key=f"preset {name}", on_click=_apply, args=(changed,), type="secondary")


def _apply(changed: dict[str, Any]) -> None:
    for key, value in {**DEFAULTS, **changed}.items():
        st.session_state[key] = value
    own_weights.forget()


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
    st.slider(
        "Deformation",
        0.0,
        1.0,
        step=0.1,
        key="deformation",
        bind="query-params",
        help="Each image is warped, bent, made noisy or partly erased, always in the same way.",
    )
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
    st.number_input("Seed", 0, 999, key="seed", bind="query-params", help="Same seed, same run.")


def _pruning() -> None:
    st.toggle("Prune pixels", key="pixels", bind="query-params", help="Test the image's pixels as a zeroth layer.")
    with st.expander("How MIPP tests a unit"):
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
    trained = state.start == "trained" or weights is not None
    training, retraining = images.chosen(state.dataset).recipes.live_pair()
    return RunSpec(
        network=_network_of(weights),
        trained=trained,
        settings=replace(
            SMALL if state.small else Mipp(),
            collapse=state.collapse,
            reference=state.reference,
            estimate_size=int(state.estimate_size),
            budget=float(state.budget),
            pixels=bool(state.pixels),
        ),
        retraining=retraining if trained else training,
        controls=("random", "magnitude"),
    )


def named_run(name: str) -> RunSpec | None:
    """Show which run the address names, in place of the controls; None after saying that there is none."""
    spec, problem = None, ""
    try:
        spec = finding.by_name(name)
    except MippError as error:
        problem = str(error)
    with st.sidebar:
        st.subheader("One run", anchor=False)
        if spec is not None:
            st.markdown(" ".join(f":gray-badge[{chip}]" for chip in chips(spec)))
        st.button("Back to the controls", key="back", icon=":material/tune:", on_click=_forget_run)
    if spec is None:
        missing = (
            f"This machine has no run called {name[:20]!r}; it may have been deleted. Look at the page Runs, or go "
            "back to the controls."
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


def level_slider(document: RunDocument) -> int:
    """Draw the slider over the levels and return the one chosen."""
    numbers = [entry["level"] for entry in document["levels"]]
    if len(numbers) == 1:
        return numbers[0]
    nearest = min(numbers, key=lambda number: abs(number - DEFAULTS["level"]))
    words = "The paper's schedule x = 1 - 2^-(n+1). Drag, or use the arrow keys."
    if numbers == list(range(len(numbers))):
        last = numbers[-1]
        level = st.slider("Confidence level", 0, last, value=nearest, key="level", bind="query-params", help=words)
    else:  # a run that has measured only some levels
        level = st.select_slider(
            "Confidence level", numbers, value=nearest, key="point", bind="query-params", help=words
        )
    entry = entry_of(document, level)
    confidence, share = entry["confidence"], f"{entry['sparsity']:.0%} of all units are removed"
    named = _named(level, confidence)
    if confidence is None:
        st.caption(f"{named}: {share}.")
    elif document["spec"]["pruner"] != "mipp":
        st.caption(f"{named}: {share}, as many as MIPP removes at confidence **{confidence:.6%}**.")
    else:
        st.caption(f"{named}: keep a unit only if more than **{confidence:.6%}** sure that it transfers information.")
    return level


def _named(point: int, confidence: float | None) -> str:
    """Name a point of a sweep; if the run has only some levels, its numbers are not those of the schedule."""
    level = point if confidence is None else level_of(confidence)
    in_schedule = confidence is not None and confidence_of(level) == confidence
    return f"Point {point}, level {level} of the schedule" if in_schedule and level != point else f"Level {point}"
