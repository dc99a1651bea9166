"""Theorem 1 on the page: a layer of the shipped LeNet5, its next layer rebuilt from what stays, and where it breaks."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st
import torch

from mipp_core.data import load_dataset
from mipp_core.network.layers import wiring_of
from mipp_core.playground.blind import EXAMPLES, SAMPLES, Example, example
from mipp_core.playground.theorem import ORDERS, Theorem
from mipp_core.reports.information import DENSE, shipped_information, shipped_network
from mipp_core.training import one_thread
from pages.information.theorem_view import TITLES, draw, packed
from pages.shared.turn import turn

_LAYERS = ("conv1", "conv2", "fc1", "fc2")
_IMAGES = (60, 120, 250, 500, 1000, 2000, 4000, 8000)
_USUAL, _FEW = 4000, 60
_CENT = 0.01


def panel() -> None:
    """Draw the section."""
    st.markdown(
        "**Theorem 1.** If the units that stay tell as much of the next layer as all of them did, then a function "
        "exists that rebuilds the next layer from them, *and only then*. Here that function is found: what a layer "
        "computes before its nonlinearity is linear in what it reads, so the best rebuild is a least-squares fit. "
        "Move over the chart, or use the arrow keys."
    )
    layer, order, images, seed = _controls()
    with st.spinner("Rebuilding the next layer from ever fewer units…", show_time=True):
        found = measured(layer, images, seed)
    draw(found, order)
    st.caption(
        "What to see: on the log scale a loss of nothing lies on the floor. Up to where the green curve leaves it, the "
        "theorem's equality holds. The cloud stays on its diagonal far longer, and the accuracy longer still: losing "
        "*some* information is not yet losing the task. The shaded gap is what the images that were fitted to hide."
    )
    _made(images)
    _breaks(found)


def _controls() -> tuple[str, str, int, int]:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        layer = st.segmented_control(
            "Layer that loses units",
            _LAYERS,
            default="fc1",
            required=True,
            key="layer",
            bind="query-params",
            help="Of LeNet5; the layer behind it is the one that is rebuilt.",
        )
        order = st.segmented_control(
            "Order of removal",
            list(ORDERS),
            format_func=lambda name: TITLES[name],
            default="greedy",
            required=True,
            key="order",
            bind="query-params",
            help="MIPP in closed form removes what costs least now; ascending MI what tells least by itself; magnitude "
            "what has the smallest L1 norm of weights.",
        )
        images = st.select_slider(
            "Images to fit on",
            _IMAGES,
            _USUAL,
            key="images",
            bind="query-params",
            width=260,
            help="Unlabelled training images that orders and rebuilds are made from. With few, watch the gap.",
        )
        seed = st.number_input(
            "Seed", 0, 999, key="seed", bind="query-params", width=120, help="Of the random order and of the cloud."
        )
    return layer or "fc1", order or "greedy", int(images), int(seed)


@st.cache_data(max_entries=24, show_spinner=False)
def measured(layer: str, images: int, seed: int) -> dict[str, Any]:
    """Return every order's curves and cloud for one layer, as plain data."""
    with turn(), one_thread():
        data = load_dataset(DENSE.dataset)
        train, test = data.train.in_memory(), data.test.in_memory()
        wiring = wiring_of(shipped_network(), train.images[:2])
        drawn = train.stratified(images, torch.Generator().manual_seed(0)).images
        made = Theorem(wiring, layer, drawn, test.images, test.labels, seed)
        return packed(made, layer)


def _made(images: int) -> None:
    dense = shipped_information()["dense"]
    st.caption(
        f"LeNet5 on {DENSE.dataset}, trained for {DENSE.recipe.epochs} epochs, {dense['accuracy']:.1%} right on the "
        f"2,000 held-out images, which all of this but the dashed line is judged on; it ships with the package "
        f"(`python -m benchmarks.shipped_information --network`). Fitted on {images:,} training images, here and now."
    )


def _breaks(found: dict[str, Any]) -> None:
    st.subheader("Where it breaks", anchor=False)
    left, middle, right = st.columns(3, gap="large")
    with left:
        st.markdown(equality_said(found))
    with middle:
        _blind()
    with right:
        st.markdown(samples_said(found))
        st.button(
            f"Show conv2, fitted on {_FEW} images",
            key="few",
            on_click=_show_few,
            icon=":material/visibility:",
            help="Sets the controls above.",
        )


def _show_few() -> None:
    st.session_state.update(layer="conv2", images=_FEW)


def equality_said(found: Mapping[str, Any]) -> str:
    """Say up to where nothing is lost, and how far one gets with a loss of a hundredth."""
    free = {name: each["free"] for name, each in found["orders"].items()}
    cheap = {name: _within(each["held"]) for name, each in found["orders"].items()}
    reached = ", ".join(f"{cheap[name]} ({TITLES[name]})" for name in sorted(cheap, key=lambda name: -cheap[name]))
    first = max(free, key=lambda name: free[name])
    return (
        f"**(a) Equality ends early.** Of {found['units']} units of {found['layer']}, "
        f"{free[first] or 'none'} can go before anything is lost, in the order that does best at that "
        f"({TITLES[first]}). From there on the theorem says nothing: it is about *all or nothing*, and pruning lives "
        f"on *nearly all*. With less than 1% of {found['reader']}'s variance lost on held-out images, {reached} can go."
    )


def _within(held: list[float]) -> int:
    """Return the most units that can go while the loss stays within a hundredth."""
    return max((gone for gone in range(len(held)) if max(held[: gone + 1]) <= _CENT), default=0)


def samples_said(found: Mapping[str, Any]) -> str:
    """Say how far the loss on the fitted images and on others are apart, half of the units gone, by MIPP's order."""
    curve, half = found["orders"]["greedy"], found["units"] // 2
    fitted, held = curve["fitted"][half], curve["held"][half]
    return (
        f"**(c) Samples are finite.** A fit knows only its images. With {half} of {found['units']} units gone by "
        f"MIPP's order, fitted on {found['images']:,} images, {fitted:.2%} of the variance is lost on those and "
        f"{held:.2%} on others. With fewer images than numbers to fit, the first can be exactly nothing while the "
        "second is everything: information that was never there. So MIPP judges on held-out samples, or counts how "
        "sure it is."
    )


@st.cache_data(max_entries=1, show_spinner=False)
def _examples() -> list[dict[str, Any]]:
    with turn(), one_thread():
        return [_row(example(name)) for name in EXAMPLES]


def _row(made: Example) -> dict[str, Any]:
    return {
        "A": made.title,
        "It tells": made.nats.lost,
        "Best": made.best.lost,
        "Closed form": made.linear.lost,
        "Perceptrons": made.perceptrons.lost,
    }


def _blind() -> None:
    rows = _examples()
    st.markdown(
        "**(b) A linear rebuild is blind** to what only a nonlinear function can use. Take fair bits and A, a yes or "
        "no about them, and remove the last bit. How much of A's variance can no longer be rebuilt?"
    )
    st.dataframe(pd.DataFrame(rows).set_index("A"), alt="What the last bit's removal costs", column_config=_columns())
    worst = max(rows, key=lambda row: row["Best"] - row["Closed form"])
    st.markdown(
        f"The closed form says that {worst['Closed form']:.1%} is lost of the second where {worst['Best']:.0%} is. "
        "Between two layers this cannot happen, since the next layer is linear in what it reads; for a target further "
        "on it can, and there MIPP's perceptrons are needed."
        if worst is rows[1]
        else f"The closed form says {worst['Closed form']:.1%} where {worst['Best']:.0%} is lost."
    )


def _columns() -> dict[str, Any]:
    share = {name: st.column_config.NumberColumn(format="percent") for name in ("Best", "Closed form", "Perceptrons")}
    share["Best"] = st.column_config.NumberColumn(format="percent", help="By the best function that there is, counted.")
    words = f"I(bits; A) less what the other bits tell, counted. Figures at the right are from {SAMPLES:,} samples."
    return {**share, "It tells": st.column_config.NumberColumn(format="%.2f nats", help=words)}
