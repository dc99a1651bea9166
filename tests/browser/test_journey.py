"""The journeys that matter, in a real Chromium."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect, sync_playwright

from mipp_core.models import architecture

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
    store = tmp_path_factory.mktemp("store")
    settings = {**os.environ, "MIPP_STORE": str(store)}
    words = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    with subprocess.Popen(words, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as app:
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(url)
        yield url
        app.terminate()
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


def start(tab, server, seed):
    """Start a live run of its own and return its link."""
    tab.goto(f"{server}/?model=mlp&dataset=mnist-sample&seed={seed}")
    tab.get_by_role("button", name="Start a live run").click()
    expect(progress(tab)).to_contain_text(re.compile("Training|Testing"), timeout=90_000)
    return tab.get_by_role("link", name="open it").get_attribute("href")


def progress(tab):
    return tab.locator("[data-testid=stProgress]")


def cancelled(tab):
    tab.get_by_role("button", name="Cancel", exact=True).click()
    expect(tab.get_by_text(re.compile("^Cancelled"))).to_be_visible(timeout=60_000)
    expect(tab.get_by_role("button", name="Try again")).to_be_visible()


def tables(tab, words=""):
    """Return the tables that have these words; for a moment there are two, when the rows become others."""
    return tab.locator("[data-testid=stDataFrame]").filter(has_text=words)


def find(tab, words):
    """Leave only the rows that have these words."""
    box = tab.get_by_label("Find")
    box.fill(words)
    box.press("Enter")


def tick(tab):
    """Tick the first row of the table, which is drawn on a canvas."""
    expect(tables(tab)).to_have_count(1)
    tables(tab).click(position={"x": 18, "y": 53})


def test_start_a_live_run_see_progress_reload_find_it_and_cancel(server, tab, browser):
    start(tab, server, 0)
    tab.reload()
    expect(progress(tab)).to_contain_text(re.compile(r"\d+%"), timeout=60_000)
    other = browser.new_page()
    other.goto(tab.url)
    expect(progress(other)).to_be_visible(timeout=60_000)
    other.close()
    cancelled(tab)


def test_the_link_of_a_run_finds_it_in_another_browser(server, tab, browser):
    link = start(tab, server, 1)
    assert re.fullmatch(r"\./\?run=[0-9a-f]{16}", link)
    context = browser.new_context()
    other = context.new_page()
    other.goto(f"{server}/{link}")
    expect(progress(other)).to_contain_text(re.compile(r"\d+%"), timeout=60_000)
    expect(other.get_by_text("seed 1", exact=True)).to_be_visible()
    cancelled(other)
    context.close()
    expect(tab.get_by_role("button", name="Try again")).to_be_visible(timeout=60_000)


def test_the_page_runs_shows_a_live_run_and_cancels_it(server, tab):
    start(tab, server, 2)
    tab.get_by_role("link", name="Runs").click()
    expect(tab.get_by_role("heading", name="Runs")).to_be_visible()
    expect(tables(tab, re.compile("going on.*seed 2.*(Training|Testing)"))).to_have_count(1)
    find(tab, "seed 2")
    expect(tables(tab, "seed 1")).to_have_count(0)
    tick(tab)
    tab.get_by_role("button", name="Cancel", exact=True).click()
    expect(tables(tab, re.compile("cancelled.*seed 2.*Cancelled"))).to_have_count(1, timeout=60_000)


def test_a_tick_stays_with_its_run(server, tab):
    for seed in (3, 4):
        start(tab, server, seed)
        cancelled(tab)
    tab.goto(f"{server}/runs?find=seed+3")
    expect(tables(tab, "seed 3")).to_have_count(1, timeout=60_000)
    tick(tab)
    expect(tab.get_by_role("link", name="Open in Explore")).to_be_visible()
    find(tab, "seed 4")
    expect(tables(tab, "seed 4")).to_have_count(1)
    expect(tables(tab, "seed 3")).to_have_count(0)
    expect(tab.get_by_role("link", name="Open in Explore")).to_have_count(0)


def test_a_run_tried_again_is_followed(server, tab):
    start(tab, server, 5)
    cancelled(tab)
    tab.goto(f"{server}/runs?find=seed+5")
    expect(tables(tab, "cancelled")).to_have_count(1, timeout=60_000)
    tick(tab)
    tab.get_by_role("button", name="Try again").click()
    expect(tables(tab, re.compile("going on.*(Training|Testing)"))).to_have_count(1, timeout=60_000)
    tick(tab)
    tab.get_by_role("button", name="Cancel", exact=True).click()
    expect(tables(tab, re.compile("cancelled.*Cancelled"))).to_have_count(1, timeout=60_000)


def test_a_point_of_the_shipped_comparison_opens_its_masks_and_its_run(server, tab):
    tab.goto(f"{server}/compare")
    expect(tab.get_by_role("heading", name="Characteristics")).to_be_visible(timeout=60_000)
    expect(tab.locator(".js-plotly-plot").first).to_be_visible()
    settled(tab)
    tab.mouse.click(*tab.evaluate(A_POINT))
    link = tab.get_by_role("link", name="open it in Explore")
    expect(link).to_be_visible()
    assert re.search(r"run=[0-9a-f]{16}&point=\d+$", link.get_attribute("href"))
    tab.goto(f"{server}/{link.get_attribute('href')}")
    expect(tab.get_by_text("A shipped run")).to_be_visible(timeout=60_000)


A_POINT = """() => {
    const chart = document.querySelector('.js-plotly-plot'), box = chart.getBoundingClientRect();
    const {xaxis, yaxis} = chart._fullLayout, line = chart._fullData.find(trace => trace.customdata);
    const at = line.x.length - 2;
    return [box.left + xaxis._offset + xaxis.l2p(line.x[at]), box.top + yaxis._offset + yaxis.l2p(line.y[at])];
}"""
"""Where the chart's first curve has a point, in the window."""


def test_health_is_json(server):
    with urllib.request.urlopen(f"{server}/api/health", timeout=30) as reply:
        said = json.load(reply)
        assert (reply.status, reply.headers.get_content_type()) == (200, "application/json")
    assert said["status"] == "ok"
    assert {worker["state"] for worker in said["workers"].values()} <= {"alive", "asleep"}
    assert said["queue"] == 0


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("place", "last"), [("", "A shipped run"), ("compare", "What it does"), ("runs", "Storage:")])
def test_nothing_is_wider_than_the_window(server, browser, width, scheme, place, last):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(f"{server}/{place}")
    expect(tab.get_by_text(last)).to_be_visible(timeout=60_000)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_slim_model_is_written_checked_timed_and_taken_away(server, tab):
    tab.goto(server)
    tab.get_by_role("button", name="Write and check .pt2").click()
    with tab.expect_download() as taken:
        tab.get_by_role("button", name=re.compile(r"slim\.pt2 \(")).click()
    assert taken.value.suggested_filename == "slim.pt2"
    outputs = torch.export.load(taken.value.path()).module()(torch.rand(3, 1, 28, 28))
    assert outputs.shape == (3, 10)
    tab.get_by_role("button", name="Measure latency on this machine").click()
    expect(tab.get_by_text("Time, 256 images")).to_be_visible()


def test_own_weights_come_back_by_their_link(server, tab, tmp_path):
    torch.save(architecture("lenet5", (1, 28, 28), 10).build(1).state_dict(), tmp_path / "weights.pt")
    (tmp_path / "bad.pt").write_bytes(b"PK\x03\x04")
    tab.goto(server)
    tab.get_by_text("Given weights").click()
    place = tab.locator("[data-testid=stFileUploader] input[type=file]")
    place.set_input_files(tmp_path / "bad.pt")
    expect(tab.get_by_text("This file is not read")).to_be_visible()
    expect(place).to_have_count(1)  # for a moment there are two, the used one and the next
    place.set_input_files(tmp_path / "weights.pt")
    expect(tab.get_by_text("lenet5: 10 tensors")).to_be_visible()
    assert re.search(r"[?&]weights=[0-9a-f]{64}$", tab.url)
    tab.reload()
    expect(tab.get_by_text("lenet5: 10 tensors")).to_be_visible()
    tab.get_by_role("button", name="Forget").click()
    expect(place).to_be_attached()
    assert "weights" not in tab.url
