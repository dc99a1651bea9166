"""One server for the whole session, a Chromium and a tab."""

import pytest
from chromium import CHROMIUM
from playwright.sync_api import expect, sync_playwright

from benchmarks.visitors import app_with
from mipp_core.store import Store

expect.set_options(timeout=60_000)  # a page that is right may still be slow, on a machine that is busy

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def server(store):
    with app_with(store.root) as host:
        yield f"http://{host}"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()
