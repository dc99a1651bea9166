"""The frame of every page: settings and navigation."""

import streamlit as st

from mipp_core.errors import MippError

st.set_page_config(page_title="MIPP: pruning that preserves information", page_icon="✂️", layout="wide")

# The picture and its slider belong on the first screen: less room above them.
st.html("<style>.stMainBlockContainer { padding-top: 4.2rem; } h1 { padding: 0.2rem 0; }</style>")

# Each session makes its own page objects: Streamlit writes the session's state into these objects.
PAGES = [
    st.Page("explore/page.py", title="Explore", icon=":material/tune:", default=True, url_path="explore"),
    st.Page("learn/page.py", title="Learn", icon=":material/school:", url_path="learn"),
    st.Page("compare/page.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"),
    st.Page("cmi/page.py", title="CMI", icon=":material/sort:", url_path="cmi"),
    st.Page("limits/page.py", title="Limits", icon=":material/balance:", url_path="limits"),
    st.Page("runs/page.py", title="Runs", icon=":material/list:", url_path="runs"),
]

try:
    st.navigation(PAGES, position="top").run()
except MippError as problem:
    st.error(str(problem), icon=":material/block:")
