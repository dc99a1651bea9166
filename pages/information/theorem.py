"""Theorem 1 on the page: a layer of the shipped LeNet5, its next layer rebuilt from what stays, and where it breaks."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st
import torch

from mipp_core.data import load_dataset
from mipp_core.network.layers import wiring_of
from mipp_core.playground.blind import EXAMPLES, SAMPLES, Example, example
from mipp_core.playground.theorem import ALLOWED, ORDERS, Theorem
from mipp_core.pruners import ClosedForm
from mipp_core.reports.information import DENSE, shipped_information, shipped_network
from mipp_core.training import one_thread
from pages.information.theorem_view import draw, packed
from pages.shared import address
from pages.shared.turn import turn

_LAYERS = ("conv1", "conv2", "fc1", "fc2")
_IMAGES = (60, 120, 250, 500, 1000, 2000, 4000, 8000)
_USUAL, _FEW = 4000, 60


def panel() -> None:
    """Draw the section."""
    st.markdown(
        "**Theorem 1 of MIPP.** If the units that stay tell as much of the next layer as all of them did, then a "
        "function exists that rebuilds the next layer from them, *and only then*. Here a linear one is looked for: "
        "what a layer computes before its nonlinearity is linear in what it reads, so the best that it can do with "
        "fewer units is a least-squares fit. Move over the chart, or use the arrow keys."
    )
    layer, order, images, seed = _controls()
    with st.spinner("Rebuilding the next layer from ever fewer units…", show_time=True):
        found = measured(layer, images, seed)
    draw(found, order)
    st.caption(
        "What to see: on the log scale a loss of nothing lies on the floor. Up to where the green curve leaves it, the "
        "theorem's equality holds. How much longer does the cloud stay on its diagonal, and the accuracy where it was? "
        "Losing *some* information is not yet losing the task. The shaded gap is what the fitted images do not show; "
        "points beyond the axes lie on the edge."
    )
    _made(found)
    _breaks(found)


def _controls() -> tuple[str, str, int, int]:
    first, second = st.columns([2, 3], gap="medium")
    third, fourth = st.columns([4, 1], gap="medium")
    with first:
        layer = st.pills(
            "Layer that loses units",
            _LAYERS,
            default="fc1",
            required=True,
            key="layer",
            bind="query-params",
            help="Of LeNet5; the layer behind it is the one that is rebuilt.",
        )
    with second:
        order = st.pills(
            "Order of removal",
            list(ORDERS),
            default="MIPP",
            required=True,
            key="order",
            bind="query-params",
            help="MIPP, in closed form, removes what costs least now; ascending MI what tells least by itself; "
            "magnitude what has the smallest L1 norm of weights.",
        )
    with third:
        images = st.select_slider(
            "Images to fit on",
            _IMAGES,
            _USUAL,
            key="images",
            bind="query-params",
            help="Unlabelled training images that orders and rebuilds are made from. With few, watch the gap.",
        )
    with fourth:
        seed = address.seed("Of the random order and of the cloud.")
    return layer or "fc1", order or "MIPP", int(images), seed


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


def _made(found: Mapping[str, Any]) -> None:
    dense = shipped_information()["dense"]
    st.caption(
        f"LeNet5 on {DENSE.dataset}, trained for {DENSE.recipe.epochs} epochs, {dense['accuracy']:.1%} right on the "
        f"{found['judged']:,} held-out images, which all of this but the dashed line is judged on; it ships with the "
        f"package (`python -m benchmarks.shipped_information --network`). Fitted on {found['images']:,} training "
        "images, here and now. Nats: as if all were Gaussian, and each unit of the next layer known up to noise of "
        f"{ClosedForm().noise:.1%} of its variance, since without noise the information would be infinite."
    )


def _breaks(found: dict[str, Any]) -> None:
    st.header("Where it breaks", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(equality_said(found))
        st.markdown(samples_said(found))
        st.button(
            f"Show conv2, fitted on {_FEW} images",
            key="few",
            on_click=_show_few,
            icon=":material/visibility:",
            help="Sets the controls above.",
        )
    with right:
        _blind()


def _show_few() -> None:
    st.session_state.update(layer="conv2", images=_FEW)


def equality_said(found: Mapping[str, Any]) -> str:
    """Say up to where nothing is lost, and how far one gets with a loss of a hundredth."""
    free = {name: each["free"] for name, each in found["orders"].items()}
    cheap = {name: each["cheap"] for name, each in found["orders"].items()}
    reached = ", ".join(f"{cheap[name]} ({name})" for name in sorted(cheap, key=lambda name: -cheap[name]))
    first = max(free, key=lambda name: free[name])
    going = f"{free[first]} can go before anything is lost on the images fitted to, at best ({first})"
    return (
        f"**(a) Exactness ends early.** Of {found['units']} units of {found['layer']}, "
        f"{going if free[first] else 'none can go without a loss, in any order'}. From there on no linear function "
        "rebuilds all, and the theorem, which is about *all or nothing*, is silent: how much a little less information "
        f"costs it does not say. Pruning lives on *nearly all*. With less than {ALLOWED:.0%} of "
        f"{found['reader']}'s variance lost on held-out images, {reached if any(cheap.values()) else 'no unit'} can go."
    )


def samples_said(found: Mapping[str, Any]) -> str:
    """Say how far the loss on the fitted images and on others are apart, half of the units gone, by MIPP's order."""
    curve, half = found["orders"]["MIPP"], found["units"] // 2
    return (
        f"**(c) Samples are finite.** With {half} of {found['units']} units gone in MIPP's order, fitted on "
        f"{found['images']:,} images, {curve['fitted'][half]:.2%} of the variance is lost on those and "
        f"{curve['held'][half]:.2%} on others. With fewer images than numbers to fit, units seem to cost nothing on "
        "the images fitted to and cost much on all others. So MIPP judges its perceptrons on held-out images. The "
        f"closed form trusts what it is fitted to, and therefore takes {ClosedForm().samples:,} images."
    )


@st.cache_data(max_entries=1, show_spinner=False)
def _examples() -> dict[str, dict[str, float]]:
    with turn(), one_thread():
        return {title: _row(example(name)) for name, title in EXAMPLES.items()}


def _row(made: Example) -> dict[str, float]:
    return {
        "best": made.best.lost,
        "linear": made.linear.lost,
        "trained": made.perceptrons.lost,
        "nats": made.nats.lost,
    }


def _blind() -> None:
    rows = _examples()
    st.markdown(
        "**(b) A linear rebuild is blind** to what only a nonlinear function can use. Take fair bits and A, a yes or "
        "no about them, and remove the last bit. How much of A's variance can no longer be rebuilt?"
    )
    st.dataframe(_table(rows), alt="What the last bit's removal costs, by what rebuilds A")
    st.caption(f"Counted, and measured on {SAMPLES:,} samples, here and now.")
    st.markdown(
        f"The closed form would let the last bit go for {max(row['linear'] for row in rows.values()):.1%} or less. "
        "Between two layers that cannot happen, since the next layer is linear in what it reads. For a target further "
        "on it can, and there MIPP's perceptrons are needed."
    )


def _table(rows: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Return a column per example, in words."""
    lines = {"by the best function": "best", "by the closed form": "linear", "by perceptrons": "trained"}
    return pd.DataFrame(
        {
            title: {line: f"{row[key]:.0%}" for line, key in lines.items()} | {"nats lost": f"{row['nats']:.2f}"}
            for title, row in rows.items()
        }
    )
