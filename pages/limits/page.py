"""Limits: how many bits of the data a mask carries, and what for (No Free Prune)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from pages.limits import sections, toy

_SECTIONS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {
        "toy": toy.panel,
        "MIPP": sections.units,
        "memorisation": sections.memorisation,
        "noise": sections.noise,
        "images": sections.fashion,
        "robustness": sections.robustness,
        "networks": sections.masks,
    }
)
# What is looked at, and what draws it; the words are in the address.

st.title("No free prune", anchor=False)
st.markdown(
    "Which weights stay is itself a message about the data. **p_eff = non-zero weights + I(mask; data)**: what a "
    "sparse network can hold is what its weights hold, and what the choice of them holds."
)
look = st.pills(
    "Look at",
    list(_SECTIONS),
    default="toy",
    required=True,
    key="look",
    bind="query-params",
    label_visibility="collapsed",
)
look = look or "toy"  # an address may name nothing
if look == "toy":
    with st.sidebar:
        toy.controls()
_SECTIONS[look]()
