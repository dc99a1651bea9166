"""What a run by CMI shows: the network at its own cut, each layer's order, and where every layer is cut."""

import pandas as pd
import streamlit as st

from mipp_core.pruners import Cmi
from mipp_core.pruners.cmi_trace import CutLayer, Examined
from mipp_core.reports.level_words import own_point
from mipp_core.reports.living import living
from mipp_core.runs import RunSpec, entry_of
from mipp_core.runs.document import RunDocument
from pages.shared import living_view, provenance
from pages.shared.finding import Found
from pages.shared.order_view import orders


def show(found: Found) -> None:
    """Draw everything."""
    document = found.document
    spec = RunSpec.from_json(document["spec"])
    assert isinstance(spec.settings, Cmi)
    examined = Examined.from_json(document["orders"])
    _network(document)
    orders(document["hash"], examined)
    _walk(examined, spec.settings.acceptable)
    provenance.show(found, spec)


def _network(document: RunDocument) -> None:
    """Draw the network at CMI's own cut."""
    own = own_point(document)
    entry = document["levels"][-1] if own is None else entry_of(document, own)
    alone: RunDocument = {**document, "levels": [entry]}
    given = {**living(alone, entry["level"]), "digits": None}
    living_view.draw(given, moved=_ignore, chosen=_ignore, key="living_cmi")


def _ignore(_: object) -> None:
    """There is one point, and a unit is looked into on Explore."""


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
