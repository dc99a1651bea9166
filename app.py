"""The frame of the app: page settings and navigation."""

import streamlit as st

PAGES = [
    st.Page("pages/explore.py", title="Explore", default=True),
]

st.set_page_config(page_title="MIPP: pruning that preserves information", page_icon="✂️", layout="wide")
st.navigation(PAGES).run()
