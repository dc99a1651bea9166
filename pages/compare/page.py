"""Compare: several pruners on one network."""

import streamlit as st

from pages.compare import comparing

st.title("Compare pruners", anchor=False)
st.markdown(
    "Every pruner gets the same dense network and the same number of units to remove. What differs is **which** units "
    "go, and how many in **each layer**; so parameters and MACs differ, and each has its own verdict."
)
comparing.show()
