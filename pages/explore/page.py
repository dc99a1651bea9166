"""Explore: one network, one pruner, every confidence level."""

import streamlit as st

from mipp_core.runs import RunSpec
from pages.explore import controls, levels, panels, prunable, tried, waiting
from pages.shared import at_once, finding, live
from pages.shared.chips import chips, idea_of, method_of

st.title("Mutual Information Preserving Pruning", anchor=False)
named = st.query_params.get("run")
spec = controls.named_run(named) if named else controls.sidebar()
if spec is None:
    st.markdown(idea_of(spec))
else:
    found = finding.find_named(named) if named and named != spec.hash else finding.find(spec)
    if not named:
        at_once.start("explore", spec, found)
    live.panel(spec, found)
    if found is None:
        st.markdown(idea_of(spec))
        waiting.show(spec)
        prunable.panel(spec.network)
    else:
        shown = RunSpec.from_json(found.document["spec"])
        own = (shown.pruner, method_of(shown))
        others = " ".join(f":gray-badge[{chip}]" for chip in chips(shown) if chip not in own)
        st.markdown(f":blue-badge[{method_of(shown)}] {others}")
        with st.container(key="idea_above"):
            st.markdown(f"{idea_of(shown)} New to pruning? [Lesson 1 takes five minutes](./learn?lesson=keeps).")
        level = levels.chosen(found.document)
        name = named or spec.hash
        tried.remember(name, found.document, level, by_controls=not (named or shown.network.weights))
        panels.show(found, level)
        tried.panel(name)
        at_once.remember("explore", found)
if not named:
    live.warm()
