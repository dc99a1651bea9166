"""Pixels: which pixels of the image MIPP keeps, beside attributions, and what a network can do with them alone."""

import streamlit as st

from mipp_core.reports.pixels import CLOSED_FORM, DEFORMED, REGRESSORS, shipped_pixels
from pages.pixels import compared, here, sections
from pages.shared import live

_HERE = "live on this machine"

st.title("Pixels", anchor=False)
st.markdown(
    "The image is a layer too: MIPP removes a **pixel** when the first layer can still be computed without it. "
    "Attributions ask another question, how much a pixel moves the answer. Do they choose the same pixels, and whose "
    "are worth more?"
)
named = st.query_params.get("run")
if named:
    here.named(named)
else:
    chosen = st.pills(
        "Run",
        [CLOSED_FORM, REGRESSORS, DEFORMED, _HERE],
        default=CLOSED_FORM,
        required=True,
        key="of",
        bind="query-params",
        help="How pixels are tested, and on which digits. The first three ship with results on all of MNIST; the last "
        "is a run of your own on the embedded sample.",
    )
    if chosen == _HERE:
        here.panel()
    else:
        sections.shipped(shipped_pixels()["studies"][chosen or CLOSED_FORM])
        compared.panel()
live.warm()
