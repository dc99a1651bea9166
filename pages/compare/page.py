"""Compare: several pruners on one network."""

import streamlit as st

from pages.compare import comparing

st.title("Compare pruners", anchor=False)
st.markdown(
    "Every pruner gets the same trained or fresh network, and the same number of *units*, neurons and filters, to "
    "remove. Who keeps the accuracy?"
)
comparing.show()
