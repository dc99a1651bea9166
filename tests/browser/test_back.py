"""Back in a real Chromium: to the controls as they were, and out of the app only from where one came in."""

import re

from chromium import MARKS
from playwright.sync_api import expect
from test_journey import settled

pytestmark = MARKS


def looked_at(tab, what):
    expect(tab.get_by_role("radio", name=what, exact=True)).to_have_attribute("data-selected", "true")
    settled(tab)


def test_back_and_forward_go_from_control_to_control_and_from_page_to_page(server, tab):
    tab.goto("about:blank")
    tab.goto(f"{server}/limits?look=networks&points=many")
    looked_at(tab, "networks")
    for what in ("noise", "images"):
        tab.wait_for_timeout(1100)  # changes at once are one step
        tab.get_by_role("radio", name=what, exact=True).click()
        looked_at(tab, what)
    tab.get_by_role("link", name="Runs").click()
    expect(tab.get_by_role("heading", name="Runs")).to_be_visible()
    tab.go_back()
    looked_at(tab, "images")
    tab.go_back()
    looked_at(tab, "noise")
    expect(tab).to_have_url(re.compile("look=noise"))
    tab.go_forward()
    looked_at(tab, "images")
    tab.go_back()
    tab.go_back()
    looked_at(tab, "networks")
    tab.go_back()
    expect(tab).to_have_url("about:blank")
