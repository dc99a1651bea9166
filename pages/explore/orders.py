"""What CMI has found in each layer."""

import streamlit as st

from mipp_core.figures import cmi_curve
from mipp_core.pruners.cmi_trace import Examined
from mipp_core.runs.document import RunDocument


def panel(document: RunDocument) -> None:
    """Draw one layer's curve, and say how it was ordered and cut."""
    st.subheader("Orders", anchor=False)
    examined = Examined.from_json(document["orders"])
    layer = st.selectbox("Layer", examined.names, key="ordered_layer", bind="query-params")
    cut = examined.by_name[layer]
    st.plotly_chart(cmi_curve(cut), key="cmi_curve")
    place, units = examined.layers.index(cut) + 1, len(cut.ordering.order)
    st.caption(
        f"**{cut.kept} of {units}** units are kept in its own cut (the upright line). Cut as layer {place} of "
        f"{len(examined.layers)}, {cut.condition}. {cut.ordering.saturation}"
    )
