"""One server for the whole session, a Chromium and a tab."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from chromium import CHROMIUM
from playwright.sync_api import sync_playwright

from benchmarks.visitors import app_with

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    with app_with(store) as host:
        yield f"http://{host}"
    _stop_workers(store)


def _stop_workers(store):
    """Workers outlive the page that started them; those of this store end here."""
    for worker in _workers(store):
        os.kill(worker, signal.SIGKILL)
    end = time.time() + 30
    while _workers(store):
        assert time.time() < end, "a worker did not end"
        time.sleep(0.1)


def _workers(store):
    """Return the processes that have the store in their command line."""
    found = []
    for process in list(Path("/proc").glob("[0-9]*")):
        with suppress(OSError):
            if str(store).encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


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
