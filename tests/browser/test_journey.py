"""The journeys that matter, in a real Chromium."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROOT = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"),
    pytest.mark.filterwarnings("default"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**os.environ, "MIPP_STORE": str(tmp_path_factory.mktemp("store"))}
    words = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    with subprocess.Popen(words, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as app:
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(url)
        yield url
        app.terminate()


def _wait_until_up(url):
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the server did not start")


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


def settled(tab):
    tab.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]")
    tab.wait_for_selector("[data-test-script-state=notRunning]")


def headline(tab):
    return tab.locator("[data-testid=stMetricValue]").all_inner_texts()


def test_open_then_move_the_slider_by_keyboard_and_mouse(server, tab):
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(server)
    expect(tab.get_by_text("A shipped run")).to_be_visible(timeout=60_000)
    expect(tab.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    settled(tab)
    before = headline(tab)
    handle = tab.locator(".st-key-level input[type=range]")
    handle.focus()
    handle.press("ArrowRight")
    expect(tab.get_by_text("Level 4:")).to_be_visible()
    settled(tab)
    assert headline(tab) != before
    box = tab.locator(".st-key-level [data-testid=stSlider]").bounding_box()
    tab.mouse.click(box["x"] + box["width"] * 0.98, handle.bounding_box()["y"] + handle.bounding_box()["height"] / 2)
    expect(tab.get_by_text(re.compile(r"Level 1[89]:"))).to_be_visible()
    assert re.search(r"level=1[89]", tab.url)
    hosts = {url.split("/")[2] for url in asked if url.startswith(("http", "ws"))}
    assert hosts == {server.removeprefix("http://")}, "no request may leave the host"


def test_a_link_restores_every_control(server, tab):
    tab.goto(f"{server}/?model=mlp&dataset=mnist-sample&level=11&seed=5&pixels=true&deformation=0.3")
    settled(tab)
    expect(tab.get_by_text("Nobody has run these settings yet")).to_be_visible()
    expect(tab.locator(".st-key-seed input")).to_have_value("5")
    tab.reload()
    settled(tab)
    expect(tab.locator(".st-key-seed input")).to_have_value("5")
    expect(tab.get_by_role("combobox", name="Model")).to_have_value("mlp")


def test_start_a_live_run_see_progress_reload_find_it_and_cancel(server, tab, browser):
    tab.goto(f"{server}/?model=mlp&dataset=mnist-sample")
    tab.get_by_role("button", name="Start a live run").click()
    progress = tab.locator("[data-testid=stProgress]")
    expect(progress).to_contain_text(re.compile("Training|Testing"), timeout=90_000)
    tab.reload()
    expect(progress).to_contain_text(re.compile(r"\d+%"), timeout=60_000)
    other = browser.new_page()
    other.goto(tab.url)
    expect(other.locator("[data-testid=stProgress]")).to_be_visible(timeout=60_000)
    other.close()
    tab.get_by_role("button", name="Cancel").click()
    expect(tab.get_by_text("This run was cancelled")).to_be_visible(timeout=60_000)
    expect(tab.get_by_role("button", name="Start a live run")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(server, browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(server)
    expect(tab.get_by_text("A shipped run")).to_be_visible(timeout=60_000)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
