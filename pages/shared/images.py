"""The choice of a dataset: those that the package knows, and images of one's own in the data folder."""

import streamlit as st

from mipp_core.data import DATASETS, DatasetCard, card_of, own_below, own_in
from mipp_core.data.folder import data_folder
from pages.shared.turn import turn


def choices() -> list[str]:
    """Return all datasets that can be chosen."""
    return [*DATASETS, *_below(str(data_folder(None)))]


def chosen(choice: str) -> DatasetCard:
    """Return the card of a choice; images of one's own are looked at, and only in the data folder.

    Raises:
        MippError: there is no such choice, or the images cannot be used as they are.
    """
    return DATASETS[choice] if choice in DATASETS else card_of(_name(str(data_folder(None)), choice))


@st.cache_data(show_spinner=False, max_entries=4, ttl=10)
def _below(root: str) -> list[str]:
    return own_below()


@st.cache_data(show_spinner="Looking at the images", max_entries=64, ttl=60)
def _name(root: str, choice: str) -> str:
    """Name images of one's own.  Kept for a minute, as they may change; a run on changed ones is refused."""
    with turn():
        return own_in(choice).card.name


def deformation() -> None:
    """Draw the control for how much images are deformed; it is in the address."""
    st.slider(
        "Deformation",
        0.0,
        1.0,
        step=0.1,
        key="deformation",
        bind="query-params",
        help="Each image is warped, bent, made noisy or partly erased, always in the same way.",
    )
