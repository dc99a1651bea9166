"""Runs: the queue and the history of this machine."""

import streamlit as st

from pages.runs import history

st.title("Runs", anchor=False)
st.markdown(
    "Everything this machine has been asked to compute, by anyone: open it, compare it, cancel it, take it away. Runs "
    "survive a closed browser and a power cut."
)
history.show()
