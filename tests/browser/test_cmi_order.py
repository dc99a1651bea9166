"""A layer's order on the page CMI, in a real Chromium: the cut is dragged, and everything follows in the browser."""

import re

from chromium import MARKS
from playwright.sync_api import expect
from test_journey import settled

pytestmark = MARKS


def opened(server, tab, layer="conv2"):
    tab.goto(f"{server}/cmi?layer={layer}")
    handle = tab.get_by_role("slider", name="Units kept")
    expect(handle).to_be_visible(timeout=60_000)
    settled(tab)
    return handle


def faded(tab):
    return tab.locator(".tiles li.gone").count()


def test_the_cut_is_dragged_by_keyboard_and_mouse_and_the_maps_follow(server, tab):
    handle = opened(server, tab)
    own = int(handle.get_attribute("aria-valuenow"))
    assert int(handle.get_attribute("aria-valuemax")) == 16 and faded(tab) == 16 - own
    handle.focus()
    handle.press("Home")
    expect(handle).to_have_attribute("aria-valuenow", "1")
    assert faded(tab) == 15
    expect(handle).to_have_attribute("aria-valuetext", re.compile(r"1 of 16 units kept; the rest tells .* bits"))
    handle.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuenow", "2")
    box = tab.locator("svg[role=group]").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.99, box["y"] + 60, steps=4)
    expect(handle).to_have_attribute("aria-valuenow", "16")
    tab.mouse.up()
    assert faded(tab) == 0
    tab.get_by_role("button", name="Back to its own cut").click()
    expect(handle).to_have_attribute("aria-valuenow", str(own))


def test_another_image_paints_the_maps_anew(server, tab):
    opened(server, tab)
    first = tab.locator(".tiles canvas").first

    def painted():
        return first.evaluate("canvas => canvas.toDataURL()")

    before = painted()
    tab.get_by_role("button", name="Show what the units make of an image of class 7").click()
    assert painted() != before


def test_another_layer_begins_at_its_own_cut(server, tab):
    handle = opened(server, tab)
    handle.focus()
    handle.press("Home")
    box = tab.get_by_role("combobox", name="Layer")  # by keyboard: an open list closes when a click scrolls the page
    box.fill("fc2")
    expect(tab.get_by_role("option", name="fc2")).to_be_visible()
    box.press("Enter")
    expect(handle).to_have_attribute("aria-valuemax", "84")
    expect(tab.get_by_text("Its own cut.")).to_be_visible()
    assert "layer=fc2" in tab.url
