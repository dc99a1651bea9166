"""What CMI has found in each layer."""

import streamlit as st

from mipp_core.pruners.cmi_trace import Examined
from mipp_core.runs.document import RunDocument
from pages.shared.order_view import orders


def panel(document: RunDocument) -> None:
    """Draw one layer's order, and say how it was cut."""
    st.header("Orders", anchor=False)
    orders(document["hash"], Examined.from_json(document["orders"]))
