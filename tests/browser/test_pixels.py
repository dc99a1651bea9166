"""The page Pixels in a real Chromium: the maps and the curves follow keys and pointer, whoever moves the level."""

import re

import pytest
from chromium import MARKS
from playwright.sync_api import expect
from test_journey import settled

pytestmark = MARKS


def opened(server, tab, query=""):
    tab.goto(f"{server}/pixels{query}")
    slider = tab.get_by_role("slider", name="Level of confidence")
    expect(slider).to_be_visible(timeout=60_000)
    settled(tab)
    return slider


def kept(tab):
    """Return how many pixels the sentence, the mask's name and the table say are kept."""
    said = re.search(r"keeps (\d+) of 784", tab.locator(".pixels .said").inner_text())
    mask = re.search(r": (\d+) pixels? kept", tab.locator("[data-part=mask]").get_attribute("aria-label"))
    table = re.search(r": (\d+) pixel", tab.locator(".curves thead").inner_text())
    return [int(each.group(1)) for each in (said, mask, table)]


def painted(tab, part):
    return tab.locator(part).first.evaluate("canvas => canvas.toDataURL()")


def test_maps_digits_and_curves_follow_the_keys(server, tab):
    slider = opened(server, tab, "?level=12")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("Level 12 .*of 784 pixels kept"))
    before = [
        painted(tab, part) for part in ("[data-part=mask]", "[data-part=gone]", ".others canvas", ".digits canvas")
    ]
    few = kept(tab)
    assert len(set(few)) == 1
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("Level 19 "))
    after = [
        painted(tab, part) for part in ("[data-part=mask]", "[data-part=gone]", ".others canvas", ".digits canvas")
    ]
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert len(set(kept(tab))) == 1 and kept(tab)[0] < few[0]
    expect(tab).to_have_url(re.compile("level=19"))


def test_the_map_and_the_curve_set_the_level_by_pointer(server, tab):
    slider = opened(server, tab, "?level=19")
    gone = tab.locator("[data-part=gone]")
    gone.scroll_into_view_if_needed()
    box = gone.bounding_box()
    tab.mouse.move(box["x"] + 3, box["y"] + 3)  # the corner, which no level keeps
    expect(tab.locator(".read")).to_contain_text("Row 1, column 1: MIPP never keeps it.")
    tab.mouse.down()
    expect(slider).to_have_attribute("aria-valuetext", re.compile("Level 0 "))
    tab.mouse.up()
    expect(tab).to_have_url(re.compile("level=0"))
    handle = tab.get_by_role("slider", name="Level, The network as it is")
    expect(handle).to_have_attribute("aria-valuenow", "0")
    handle.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("Level 1 "))
    chart = tab.locator(".curves svg.chart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    tab.mouse.click(box["x"] + box["width"] - 16, box["y"] + 120)  # the fewest pixels
    expect(slider).to_have_attribute("aria-valuetext", re.compile("Level 19 "))


def test_another_run_opens_at_its_own_pixels(server, tab):
    opened(server, tab)
    before = painted(tab, "[data-part=mask]")
    tab.get_by_role("radio", name="trained regressors").click()
    expect(tab.locator(".pixels .said")).to_contain_text("level 0")
    assert painted(tab, "[data-part=mask]") != before


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_nothing_is_wider_than_the_window(server, browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    opened(server, page)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.get_by_role("alert").count() == 0
    context.close()
