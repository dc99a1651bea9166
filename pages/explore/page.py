"""Explore: one network, one pruner, every confidence level."""

import streamlit as st

from pages.explore import controls, panels, prunable
from pages.shared import finding, live

st.title("Mutual Information Preserving Pruning", anchor=False)
st.markdown(
    "A unit is removed when a small network can still rebuild the next layer's activations without it. "
    "The **confidence level** says how sure one must be to *keep* it: higher levels prune more."
)

named = st.query_params.get("run")
spec = controls.named_run(named) if named else controls.sidebar()
if spec is not None:
    found = finding.find_named(named) if named and named != spec.hash else finding.find(spec)
    live.panel(spec, found)
    if found is None:
        prunable.panel(spec.network)
        st.info(live.waiting_words(spec), icon=":material/info:")
    else:
        panels.show(found, controls.level_slider(found.document))
