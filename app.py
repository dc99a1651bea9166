"""The app: its pages, and ``/api/health`` for whoever watches over it."""

import streamlit as st
from starlette.routing import Route

from pages.shared.health import answer

app = st.App("pages/frame.py", routes=[Route("/api/health", answer)])
