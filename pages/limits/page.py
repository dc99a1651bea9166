"""Limits: how many bits of the data a mask carries, and what for (No Free Prune)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from pages.limits import sections, toy
from pages.shared.looking import looked_at

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

st.title("Limits: no free prune", anchor=False)
st.markdown(
    "Which weights stay is itself a message about the data. **p_eff = non-zero weights + I(mask; data)**: what a "
    "sparse network can hold is what its weights hold, and what the choice of them holds."
)
look = looked_at(_SECTIONS, "The exact toy, or one of the paper's experiments.")
if look == "toy":
    with st.sidebar:
        toy.controls()
_SECTIONS[look]()
