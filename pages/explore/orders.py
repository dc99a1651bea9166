"""What a pruner that cuts by itself has found in each layer."""

import streamlit as st

from mipp_core.figures import cmi_curve
from mipp_core.runs.document import RunDocument


def panel(document: RunDocument) -> None:
    """Draw one layer's curve, and say how it was ordered and cut."""
    st.subheader("Orders", anchor=False)
    orders = document.get("orders") or {}
    cuts = {cut["layer"]: cut for cut in orders["layers"]}
    layer = st.selectbox("Layer", orders["names"], key="ordered_layer", bind="query-params")
    cut = cuts[layer]
    st.plotly_chart(cmi_curve(cut), key="cmi_curve")
    place, units = list(cuts).index(layer) + 1, len(cut["order"])
    st.caption(
        f"**{cut['kept']} of {units}** units are kept in its own cut (the upright line). Cut as layer {place} of "
        f"{len(cuts)}, {_given(cut)}. {_saturation(cut)}"
    )


def _given(cut: dict[str, object]) -> str:
    given = [str(name) for name in cut["given"]] if isinstance(cut["given"], list) else []
    others = [name for name in given if name != cut["layer"]]
    stream = ["the stream that it reads"] if len(others) < len(given) else []
    named = [f"what is kept of {name}" for name in others] + stream
    return f"given {' and '.join(named)}" if named else "given nothing else"


def _saturation(cut: dict[str, object]) -> str:
    if cut["saturated_at"] is None:
        return "The joint entropy (dotted) stays below its limit, so candidates can be told apart to the end."
    return (
        f"After {cut['saturated_at']} picks the joint entropy (dotted) is within 1% of its limit: from there on "
        "candidates can hardly be told apart."
    )
