"""The app: its pages; ``/api/health`` for whoever watches over it; and what the pages' views fetch."""

import streamlit as st
from starlette.routing import Route

from pages.shared import health, served

ROUTES = [Route("/api/health", health.answer), Route("/api/runs/{run}/{file}", served.answer)]

app = st.App("pages/frame.py", routes=ROUTES)
