"""What an address may hold that Streamlit's own controls stumble over."""

from math import isinf

import streamlit as st


def numbers(*names: str) -> None:
    """Take infinite numbers out of the address, and begin anew: a control that wants a whole one fails over them.

    Args:
        names: of controls; their defaults come into force.
    """
    found = [name for name in names if _is_infinite(st.query_params.get(name, ""))]
    for name in found:
        del st.query_params[name]
    if found:
        st.rerun()


def _is_infinite(text: str) -> bool:
    try:
        return isinf(float(text))
    except ValueError:
        return False
