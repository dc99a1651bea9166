"""Explore: one network, one pruner, every confidence level."""

import streamlit as st

from mipp_core.runs import RunSpec
from pages.explore import controls, levels, panels, prunable, waiting
from pages.shared import at_once, finding, live
from pages.shared.chips import chips, method_of

st.title("Mutual Information Preserving Pruning", anchor=False)
st.markdown(
    "A unit is removed when the next layer's activations can still be rebuilt without it. "
    "The **confidence level** says how sure one must be to *keep* it."
)

named = st.query_params.get("run")
spec = controls.named_run(named) if named else controls.sidebar()
if spec is not None:
    found = finding.find_named(named) if named and named != spec.hash else finding.find(spec)
    if not named:
        at_once.start("explore", spec, found)
    live.panel(spec, found)
    if found is None:
        waiting.show(spec)
        prunable.panel(spec.network)
    else:
        shown = RunSpec.from_json(found.document["spec"])
        others = " ".join(f":gray-badge[{chip}]" for chip in chips(shown) if chip != shown.pruner)
        st.markdown(f":blue-badge[{method_of(shown)}] {others}")
        panels.show(found, levels.slider(found.document))
        at_once.remember("explore", found)
if not named:
    live.warm()
