"""The pages of the app, in the order of the menu."""

import streamlit as st

EXPLORE = st.Page("explore.py", title="Explore", icon=":material/tune:", default=True)
COMPARE = st.Page("compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare")
RUNS = st.Page("runs.py", title="Runs", icon=":material/list:", url_path="runs")

PAGES = [EXPLORE, COMPARE, RUNS]
