"""The page Information in a real Chromium: the cloud follows the pointer and the keys, and nothing is too wide."""

import re

import pytest
from chromium import MARKS
from playwright.sync_api import expect
from test_journey import settled

pytestmark = MARKS


def heights(tab):
    return tab.locator(".theorem circle.point").evaluate_all("dots => dots.map(dot => Number(dot.getAttribute('cy')))")


def test_the_cloud_follows_the_keys_and_the_pointer(server, tab):
    tab.goto(f"{server}/information?layer=fc2")
    handle = tab.get_by_role("slider", name="Units removed")
    expect(handle).to_be_visible(timeout=60_000)
    settled(tab)
    assert "42 of 84 units of fc2 removed in MIPP’s greedy order" in tab.locator(".theorem .said").inner_text()
    handle.focus()
    handle.press("Home")
    expect(handle).to_have_attribute("aria-valuetext", re.compile("^0 of 84 units removed; 0% of the variance lost"))
    expect(tab.locator(".theorem .said")).to_contain_text("Theorem 1’s equality holds")
    whole = heights(tab)
    assert len(whole) == 600
    handle.press("End")
    expect(handle).to_have_attribute("aria-valuenow", "84")
    gone = heights(tab)
    assert max(gone) - min(gone) < 20 < max(whole) - min(whole)  # nothing is left but the mean
    box = tab.locator(".theorem svg.chart").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 100)
    expect(handle).not_to_have_attribute("aria-valuenow", "84")
    tab.get_by_role("radio", name="random").click()
    expect(tab.locator(".theorem .said")).to_contain_text("in a random order")
    expect(tab).to_have_url(re.compile("order=random"))


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
@pytest.mark.parametrize("look", ["theorem", "estimators"])
def test_no_part_of_it_is_wider_than_the_window(server, browser, look, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{server}/information?look={look}")
    expect(page.get_by_text("What to see:").first).to_be_visible(timeout=60_000)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.get_by_role("alert").count() == 0
    context.close()
