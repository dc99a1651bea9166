"""Journeys with live runs, and what server and pages are like after them, in a real Chromium."""

import json
import re
import time
import urllib.request
from contextlib import suppress

import pytest
from chromium import MARKS
from playwright.sync_api import TimeoutError, expect

pytestmark = MARKS


@pytest.fixture(autouse=True)
def nothing_goes_on(store):
    """Whatever a test leaves in the queue ends with it, so that it fails alone."""
    yield
    for job in store.runs.list():
        store.runs.cancel(job.hash)
    end = time.monotonic() + 60
    while any(job.state in ("queued", "running") for job in store.runs.list()):
        assert time.monotonic() < end, "a run did not end"
        time.sleep(0.2)


def start(tab, server, seed):
    """Start a live run of its own, one that takes minutes, and return its link."""
    tab.goto(f"{server}/?model=mlp&dataset=mnist-sample&method=regressors&seed={seed}")
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
    """Return the tables that have these words; there are two for a moment while the rows change."""
    return tab.locator("[data-testid=stDataFrame]").filter(has_text=words)


def find(tab, words):
    """Leave only the rows that have these words."""
    box = tab.get_by_label("Find")
    box.fill(words)
    box.press("Enter")


def tick(tab, role="button", name="Cancel"):
    """Tick the first row of the table until there is what that offers; the table is drawn on a canvas.

    A click that comes before the canvas listens is lost, on a slow machine.
    """
    offered = tab.get_by_role(role, name=name, exact=True)
    for _ in range(6):
        expect(tables(tab)).to_have_count(1)
        tables(tab).click(position={"x": 18, "y": 53})
        with suppress(TimeoutError):
            offered.wait_for(timeout=10_000)
            return
    raise AssertionError(f"The tick offers no {role} {name}.")


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
    tick(tab, "link", "Open in Explore")
    find(tab, "seed 4")
    expect(tables(tab, "seed 4")).to_have_count(1)
    expect(tables(tab, "seed 3")).to_have_count(0)
    expect(tab.get_by_role("link", name="Open in Explore")).to_have_count(0)


def test_a_change_greys_the_last_result_until_the_live_run_is_there(server, tab):
    """From the shipped run to one in closed form, without a further click; retrained accuracies fill in last."""
    tab.goto(f"{server}/?level=5")
    expect(tab.get_by_text("A shipped run")).to_be_visible(timeout=60_000)
    tab.get_by_role("combobox", name="Dataset").click()
    tab.get_by_role("option", name="mnist-sample").click()
    expect(tab.get_by_text("This is still MIPP with trained regressors")).to_be_visible(timeout=60_000)
    greyed = tab.locator(".st-key-last_result")
    assert float(greyed.evaluate("element => getComputedStyle(element).opacity")) < 1
    expect(greyed.get_by_text("Level 5:")).to_be_visible()
    expect(tab.get_by_text("MIPP in closed form")).to_be_visible(timeout=180_000)
    expect(greyed).to_have_count(0)
    expect(tab.get_by_text("Level 5:")).to_be_visible()
    rebuilt, retrained = (tab.locator(f".living [data-measure={name}]") for name in ("rebuilt", "retrained"))
    expect(rebuilt).to_contain_text("%")
    expect(retrained).to_contain_text("%", timeout=300_000)
    # Networks that came after the page had fetched what there was run on the image, too.
    expect(tab.locator(".living .verdicts li[data-probabilities]")).to_have_count(4, timeout=60_000)


def test_a_run_tried_again_is_followed(server, tab):
    start(tab, server, 5)
    cancelled(tab)
    tab.goto(f"{server}/runs?find=seed+5")
    expect(tables(tab, "cancelled")).to_have_count(1, timeout=60_000)
    tick(tab, name="Try again")
    tab.get_by_role("button", name="Try again").click()
    expect(tables(tab, re.compile("going on.*(Training|Testing)"))).to_have_count(1, timeout=60_000)
    tick(tab)
    tab.get_by_role("button", name="Cancel", exact=True).click()
    expect(tables(tab, re.compile("cancelled.*Cancelled"))).to_have_count(1, timeout=60_000)


def test_health_is_json(server):
    with urllib.request.urlopen(f"{server}/api/health", timeout=30) as reply:
        said = json.load(reply)
        assert (reply.status, reply.headers.get_content_type()) == (200, "application/json")
    assert said["status"] == "ok"
    assert {worker["state"] for worker in said["workers"].values()} <= {"alive", "asleep"}
    assert said["queue"] == 0
