"""Which layer or unit is looked into; it is in the address, and nowhere else."""

import streamlit as st


def choose(unit: str) -> None:
    """Write a unit into the address, as ``layer:number``; a second time, take it out."""
    if st.query_params.get("unit") == unit:
        st.query_params.pop("unit", None)
    else:
        st.query_params["unit"] = unit
