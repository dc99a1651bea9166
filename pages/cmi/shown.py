"""What a run by CMI shows: its own cut in figures, each layer's order, and where every layer is cut."""

from types import MappingProxyType

import pandas as pd
import streamlit as st

from mipp_core.figures import MANY, block_bars, ratio_bars
from mipp_core.pruners import Cmi
from mipp_core.pruners.cmi_trace import CutLayer, Examined
from mipp_core.reports.tables import layer_table
from mipp_core.runs import RunSpec
from mipp_core.runs.document import LevelDocument, RunDocument
from pages.shared import provenance
from pages.shared.finding import Found
from pages.shared.order_view import orders

_ACCURACIES = MappingProxyType(
    {
        "Cut": ("accuracy_pruned", "Right after cutting, nothing relearned."),
        "Rebuilt": ("accuracy_rebuilt", "The next layer refitted by least squares."),
        "Retrained": ("accuracy_retrained", "Trained for some epochs more."),
    }
)


def show(found: Found) -> None:
    """Draw everything."""
    document = found.document
    spec = RunSpec.from_json(document["spec"])
    assert isinstance(spec.settings, Cmi)
    examined = Examined.from_json(document["orders"])
    entry = document["levels"][-1]
    _headline(document, entry)
    orders(document["hash"], examined)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _layers(entry)
    with right:
        _walk(examined, spec.settings.acceptable)
    provenance.show(found, spec)


def _headline(document: RunDocument, entry: LevelDocument) -> None:
    removed, macs = entry["sparsity"], 1 - entry["macs"] / document["macs"]
    dense = document["dense_accuracy"] or 0.0
    with st.container(horizontal=True, gap="large"):
        st.metric("Units removed", f"{removed:.1%}", help="By CMI's own cut of every layer.")
        st.metric("MACs removed", f"{macs:.1%}", help="Multiply-accumulates of one image.")
        st.metric("Dense", f"{dense:.2%}", help="Test accuracy of the network before pruning.")
        for label, (key, words) in _ACCURACIES.items():
            value = entry[key]  # type: ignore[literal-required]
            change = None if value is None else f"{100 * (value - dense):+.2f} points"
            st.metric(label, "–" if value is None else f"{value:.2%}", change, help=words)


def _layers(entry: LevelDocument) -> None:
    st.header("Units per layer", anchor=False)
    layers = layer_table(entry)
    bars = ratio_bars if len(layers) <= MANY else block_bars
    st.plotly_chart(bars(layers), key="ratios", alt="Units kept of each layer")
    st.caption("What to see: which layers keep few of their units, and which nearly all.")


def _walk(examined: Examined, acceptable: float) -> None:
    """Say in which order layers were cut, given what, and how full their joint entropies were."""
    st.header("The way through the network", anchor=False)
    rows = {
        cut.layer: {"Given": cut.condition.removeprefix("given "), "Kept": cut.kept, "Saturated": _full(cut)}
        for cut in examined.layers
    }
    st.dataframe(pd.DataFrame.from_dict(rows, orient="index"), alt="Layers in the order in which they were cut")
    if examined.alone:
        st.caption(_started(examined, acceptable))


def _full(cut: CutLayer) -> str:
    at = cut.ordering.saturated_at
    return "no" if at is None else f"after {at} of {len(cut.ordering.order)}"


def _started(examined: Examined, acceptable: float) -> str:
    """Say with which layer the walk began, and why."""
    first = examined.layers[0]
    alone = examined.alone[first.layer]
    reached = (
        f"{alone.accuracy:.1%} on training images kept apart, with {alone.kept} of {len(first.ordering.order)} units, "
        f"{examined.dense:.1%} before"
    )
    if alone.accuracy < examined.dense - acceptable:
        return (
            f"No layer alone could be cut within {100 * acceptable:g} points of the dense accuracy. It began with "
            f"**{first.layer}**, which cost least: {reached}."
        )
    return (
        f"It began with **{first.layer}**, which alone could be cut most within {100 * acceptable:g} points of the "
        f"dense accuracy: {reached}. Then it went on to the output, and from there back to the input."
    )
