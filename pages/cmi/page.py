"""CMI: one network, each layer's units in the order in which they tell most of the labels, and where that is cut."""

import streamlit as st

from mipp_core.errors import MippError
from mipp_core.runs import RunSpec
from pages.cmi import controls, questions, shown
from pages.shared import at_once, finding, live
from pages.shared.chips import chips


def _last(spec: RunSpec) -> None:
    """Draw the run that this session saw last, greyed, while there is nothing for the controls."""
    words, name = live.waiting_words(spec), at_once.last_shown("cmi")
    before = finding.find_named(name) if name else None
    if before is None:
        st.info(words, icon=":material/info:")
        return
    st.warning(f"**Below is still the run from before.** {words}", icon=":material/history:")
    with at_once.greyed():
        shown.show(before)


st.title("Conditional mutual information", anchor=False)
st.markdown(
    "A layer's units, its neurons or filters, are picked one after another: the next is the one that, with those "
    "before it, tells most of the **labels**. What the rest still tells is the CMI; where its curve bends, the layer "
    "is cut."
)
spec = controls.sidebar()
questions.panel(spec)
if spec is not None:
    found = finding.find(spec)
    has_orders = found is not None and bool(found.document.get("orders"))
    at_once.start("cmi", spec, found)
    live.panel(spec, found if has_orders else None)
    if found is None or not has_orders:
        _last(spec)
    else:
        try:
            st.markdown(" ".join(f":gray-badge[{chip}]" for chip in chips(spec)))
            shown.show(found)
        except MippError as problem:
            st.error(str(problem), icon=":material/block:")
        at_once.remember("cmi", found)
live.warm()
