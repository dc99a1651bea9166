"""Information: Theorem 1 of MIPP on a trained network, and estimators of information where the truth is known."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from pages.information import estimators, theorem
from pages.shared.looking import looked_at

_SECTIONS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {"theorem": theorem.panel, "estimators": estimators.panel}
)
# What is looked at, and what draws it; the words are in the address.

st.title("Information", anchor=False)
st.markdown(
    "MIPP keeps the units that tell the next layer what all of them did. Two questions are behind that: what does a "
    "kept layer allow, and can such information be measured at all?"
)
words = "Theorem 1 on a trained LeNet5, or estimators on variables whose information is known."
_SECTIONS[looked_at(_SECTIONS, words)]()
