"""Explore: one network, one pruner, every confidence level."""

import streamlit as st

from pages.shared import controls, live, panels, runs

st.title("Mutual Information Preserving Pruning", anchor=False)
st.markdown(
    "A unit is removed when a small network can still rebuild the next layer's activations without it. "
    "The **confidence level** says how sure one must be to *keep* it: higher levels prune more."
)

spec = controls.sidebar()
if spec is not None:
    name, document = runs.find(spec)
    live.panel(spec, document)
    if document is None or not document["levels"]:
        st.info(live.waiting_words(spec), icon=":material/info:")
    else:
        level = controls.confidence_slider(document)
        panels.show(name, document, level)
