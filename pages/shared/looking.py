"""The choice of what of a page is looked at; its words are in the address."""

from collections.abc import Callable, Mapping

import streamlit as st


def looked_at(sections: Mapping[str, Callable[[], None]], words: str) -> str:
    """Draw the choice and return the name of the section; the first one where the address names none.

    Args:
        sections: name -> what draws it.
        words: what there is to choose from, for the control's help.
    """
    first = next(iter(sections))
    look = st.pills(
        "Look at",
        list(sections),
        default=first,
        required=True,
        key="look",
        bind="query-params",
        label_visibility="collapsed",
        help=words,
    )
    return look or first
