"""Back in the browser: to the controls as they were before, not out of the app."""

from pathlib import Path

import streamlit as st

_STEPS = st.components.v2.component("steps_back", js=(Path(__file__).parent / "back.js").read_text())


def enable() -> None:
    """Add the script to the window; the frame does so once for all pages."""
    with st.container(key="steps_back"):
        _STEPS(key="steps_back_script")
