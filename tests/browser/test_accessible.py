"""Every page for every reader: contrast and names (by axe-core), headings in order, targets that a finger can hit."""

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import MARKS
from playwright.sync_api import expect
from test_journey import settled

pytestmark = MARKS

PAGES = {
    "": "A shipped run",
    "compare": "What it does",
    "cmi": "A shipped run",
    "limits": "Measured on this machine",
    "limits?look=networks": "A measured proxy",
    "runs": "Storage",
    "?unit=fc1:5": "other kept units of its layer rebuild",
    "learn": "What MIPP keeps",
    "learn?lesson=keeps&step=2": "Level",
    "pixels": "With only these pixels",
    "information": "Where it breaks",
    "information?look=estimators": "What to see",
}
"""Address -> words that are there once the page is whole."""

LEAST = 24
"""Pixels of the smallest target, by WCAG 2.2's level AA."""

STILL = """() => [...document.querySelectorAll("style")].some((each) => each.textContent.includes("stCaptionContainer"))
  && !document.querySelector("[data-stale=true]") && document.getAnimations().every(
  (each) => each.playState !== "running" || each.effect.getTiming().iterations === Infinity)"""
"""Has everything come to rest, the style sheet among it?  What draws that is loaded by need, with the page."""

TARGETS = """least => {
  const found = [], roots = [document];
  while (roots.length) {
    for (const each of roots.pop().querySelectorAll("*")) {
      if (each.shadowRoot) roots.push(each.shadowRoot);
      if (!each.matches("a[href], button, input, select, textarea, [role=button], [role=slider], [role=tab]")) continue;
      if (each.matches("p a, li a, td a")) continue;
      if (each.matches("[data-testid=stSkipToContent], [type=file]") || !each.getClientRects().length) continue;
      const box = (each.closest("label, [data-testid=stSlider], svg[role=group]") ?? each).getBoundingClientRect();
      if (box.width < least || box.height < least)
        found.push(`${each.ariaLabel || each.textContent.trim()}: ${box.width.toFixed(1)} x ${box.height.toFixed(1)}`);
    }
  }
  return found;
}"""
"""What is pressed is smaller than this?  Pressing a label presses its input, a slider's track its thumb, and a view's
chart its handle.  Left out: links in sentences and tables, as the standard does; Streamlit's link to the content, which
is seen only once it has the focus; and the input of an upload, which lies behind its button."""


def opened(server, browser, address, width=1440, scheme="light"):
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.set_default_timeout(90_000)
    page.goto(f"{server}/{address}")
    expect(page.get_by_text(PAGES[address]).first).to_be_attached(timeout=90_000)
    settled(page)
    page.wait_for_function(STILL)  # what is drawn anew is faint until then
    return page


def found_by_axe(page):
    """Return each finding that is serious or critical, as a line."""
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node['html'][:120]}\n    {node['failureSummary']}"
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("address", PAGES)
def test_on_a_desk_axe_finds_nothing_serious_and_nothing_is_cut(server, browser, address):
    page = opened(server, browser, address)
    problems, whole = found_by_axe(page), fits(page)
    page.context.close()
    assert not problems, "\n".join(problems)
    assert whole


@pytest.mark.parametrize("address", PAGES)
def test_on_a_dark_phone_too_targets_can_be_hit_and_headings_are_in_order(server, browser, address):
    page = opened(server, browser, address, width=390, scheme="dark")
    problems = found_by_axe(page)
    expander = page.get_by_test_id("stExpandSidebarButton")
    assert "Pages and controls" in expander.evaluate("each => getComputedStyle(each, '::after').content")
    expander.click()
    expect(page.get_by_test_id("stSidebar").get_by_role("link", name="Compare")).to_be_in_viewport()
    expect(page.get_by_test_id("stSidebar")).to_have_css("width", "300px")
    small = page.evaluate(TARGETS, LEAST)
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(each => Number(each.tagName[1]))")
    whole = fits(page)
    page.context.close()
    assert not problems, "\n".join(problems)
    assert not small, "\n".join(small)
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert whole


def test_axe_would_find_faint_words(server, browser):
    page = opened(server, browser, "runs")
    page.add_style_tag(content="p { color: #aaa !important; }")
    assert any("color-contrast" in problem for problem in found_by_axe(page))
    page.context.close()
