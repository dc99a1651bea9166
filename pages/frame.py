"""The frame of every page: settings and navigation."""

from pathlib import Path

import streamlit as st

from mipp_core.errors import MippError
from pages.shared import back, studying, watching

st.set_page_config(page_title="MIPP: pruning that preserves information", page_icon="✂️", layout="wide")

st.html(Path(__file__).parent / "frame.css")
back.enable()

# Each session makes its own page objects: Streamlit writes the session's state into these objects.
RUNS = st.Page("runs/page.py", title="Runs", icon=":material/list:", url_path="runs")
LIMITS = st.Page("limits/page.py", title="Limits", icon=":material/balance:", url_path="limits")
PAGES = [
    st.Page("explore/page.py", title="Explore", icon=":material/tune:", default=True, url_path="explore"),
    st.Page("learn/page.py", title="Learn", icon=":material/school:", url_path="learn"),
    st.Page("compare/page.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"),
    st.Page("cmi/page.py", title="CMI", icon=":material/sort:", url_path="cmi"),
    st.Page("pixels/page.py", title="Pixels", icon=":material/grid_on:", url_path="pixels"),
    LIMITS,
    st.Page("information/page.py", title="Information", icon=":material/insights:", url_path="information"),
    RUNS,
]

try:
    page = st.navigation(PAGES, position="top")
    watching.badge(RUNS)
    studying.badge(LIMITS)
    page.run()
except MippError as problem:
    st.error(str(problem), icon=":material/block:")
