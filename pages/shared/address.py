"""The one control that Streamlit draws of an address's whole number: a seed."""

from math import isinf

import streamlit as st


def seed(help_text: str = "Same seed, same run.", *, key: str = "seed") -> int:
    """Draw the control for a seed, which is in the address, and return it.

    An infinite number there is taken out and the page begun anew: a control that wants a whole one fails over it.
    """
    if _is_infinite(st.query_params.get(key, "")):
        del st.query_params[key]
        st.rerun()
    return int(st.number_input("Seed", 0, 999, key=key, bind="query-params", help=help_text))


def _is_infinite(text: str) -> bool:
    try:
        return isinf(float(text))
    except ValueError:
        return False
