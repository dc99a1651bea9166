"""Compare: several pruners on one network."""

import streamlit as st

from pages.compare import comparing

st.title("Compare pruners", anchor=False)
st.markdown(
    "Every pruner gets the same *dense* network, as it is before pruning, and the same number of *units*, neurons and "
    "filters, to remove. What differs is **which** units go, and how many in **each layer**; so parameters and *MACs*, "
    "the multiplications for one image, differ too, and each has its own verdict."
)
comparing.show()
