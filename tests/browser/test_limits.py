"""The page Limits in a real Chromium: the toy's masks follow the pointer, and an experiment runs to its end."""

import re

import pytest
from chromium import MARKS
from playwright.sync_api import expect
from test_journey import settled

pytestmark = MARKS


def opened(server, tab, query=""):
    tab.goto(f"{server}/limits{query}")
    handle = tab.get_by_role("slider", name="Parameters pruned")
    expect(handle).to_be_visible(timeout=60_000)
    settled(tab)
    return handle


def said(tab):
    return tab.locator(".toy .said").inner_text()


def test_masks_follow_the_pointer_and_the_keys(server, tab):
    handle = opened(server, tab)
    assert "10 of 21 parameters pruned, masks of magnitude-after" in said(tab)
    assert tab.locator(".toy .masks li").count() == 6
    handle.focus()
    handle.press("End")
    expect(handle).to_have_attribute("aria-valuetext", re.compile("21 parameters pruned; magnitude-after 0.00 bits"))
    box = tab.locator(".toy svg.chart").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 320)  # on the axis, where data-free pruners lie
    expect(tab.locator(".toy .head")).to_contain_text("One mask for all data sets")
    expect(tab.locator(".toy .masks li")).to_have_count(1)
    tab.get_by_role("button", name=re.compile("^grasp")).click()
    expect(tab.locator(".toy .said")).to_contain_text("grasp")


def test_a_slider_measures_anew(server, tab):
    opened(server, tab, "?seeds=2")
    assert "over 2 initialisations" in said(tab)
    tab.get_by_role("slider", name="Initialisations").press("ArrowLeft")
    expect(tab.locator(".toy .said")).to_contain_text("for one initialisation")
    expect(tab).to_have_url(re.compile("seeds=1"))


def test_an_experiment_runs_to_its_end_and_is_shown_beside_what_ships(server, tab):
    tab.goto(f"{server}/limits?look=MIPP")
    start = tab.get_by_role("button", name=re.compile("Run the small setting"))
    expect(start).to_be_visible(timeout=60_000)
    start.click()
    expect(tab.get_by_role("radio", name="Small, run here")).to_be_visible(timeout=120_000)
    expect(tab.get_by_text("Small, run here, 3 seeds")).to_be_visible()


@pytest.mark.parametrize("look", ["toy", "MIPP", "memorisation", "noise", "images", "robustness", "networks"])
def test_nothing_is_wider_than_the_window(server, browser, look):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{server}/limits?look={look}")
    expect(page.get_by_text("What to see.").first).to_be_visible(timeout=60_000)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.get_by_role("alert").count() == 0
    context.close()
