"""The frame of every page: settings and navigation."""

import streamlit as st

from mipp_core.errors import MippError
from pages.shared.navigation import PAGES

st.set_page_config(page_title="MIPP: pruning that preserves information", page_icon="✂️", layout="wide")
try:
    st.navigation(PAGES, position="top").run()
except MippError as problem:
    st.error(str(problem), icon=":material/block:")
