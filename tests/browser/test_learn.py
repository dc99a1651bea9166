"""The page Learn in a real Chromium: a lesson by keyboard alone, the browser's Back, parts of the living network."""

import re

import pytest
from chromium import MARKS
from playwright.sync_api import expect
from test_journey import settled

from mipp_core.reports.lessons import LESSONS

pytestmark = MARKS

FOCUSED = """() => {
    let found = document.activeElement;
    while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
    return found.matches('a, button, input') ? `${found.type ?? ''} ${found.innerText}` : '';
}"""
"""The type and the words of a link, button or field that has the focus."""

SMALL = """() => [...document.querySelectorAll('.stMain button, .stMain a, .stMain label')]
    .filter(each => each.offsetWidth && each.innerText.trim() && !each.closest('[data-testid=stTooltipIcon]'))
    .filter(each => Math.min(each.offsetWidth, each.offsetHeight) < 24).map(each => each.innerText)"""
"""Targets of less than 24 pixels, apart from the question marks of help."""


def opened(server, tab, query):
    tab.goto(f"{server}/learn{query}")
    expect(tab.locator("h1")).to_be_visible(timeout=60_000)
    expect(tab.locator(".heading h2")).not_to_be_empty()
    settled(tab)


def tab_to(tab, words):
    """Press Tab until the focus is on something with these words, or of this type."""
    for _ in range(40):
        tab.keyboard.press("Tab")
        if words in tab.evaluate(FOCUSED):
            return
    raise AssertionError(f"No key leads to {words} at {tab.url}.")


@pytest.mark.parametrize(("number", "name"), list(enumerate(LESSONS, 1)))
def test_every_lesson_is_completed_by_keyboard_alone(server, tab, number, name):
    tab.goto(f"{server}/learn")
    expect(tab.get_by_role("button", name=f"Begin: lesson {number}")).to_be_visible(timeout=60_000)
    settled(tab)
    tab_to(tab, f"Begin: lesson {number}")
    tab.keyboard.press("Enter")
    steps = LESSONS[name].steps()
    for place, step in enumerate(steps, 1):
        title = tab.locator(".heading h2")
        expect(title).to_have_text(step.title)
        expect(title).to_be_focused()
        expect(tab).to_have_url(re.compile(f"lesson={name}&step={place}(&|$)"))
        settled(tab)
        if step.guess:
            tab_to(tab, "radio")
            tab.keyboard.press("Space")
            for _ in range(step.guess.truth):
                tab.keyboard.press("ArrowDown")
            tab_to(tab, "This is my guess")
            tab.keyboard.press("Enter")
            expect(tab.locator(".heading .where")).to_contain_text("your guess was right")
            expect(title).to_be_focused()
            settled(tab)
        if place < len(steps):
            tab_to(tab, "Next")
            tab.keyboard.press("Enter")
    tab_to(tab, steps[-1].link.words)
    tab_to(tab, "All lessons")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("button", name=f"Again: lesson {number}")).to_be_visible()


def test_back_in_the_browser_goes_a_step_back(server, tab):
    opened(server, tab, "?lesson=keeps")
    title, steps = tab.locator(".heading h2"), LESSONS["keeps"].steps()
    for step in steps[1:3]:
        tab.get_by_role("button", name="Next").click()
        expect(title).to_have_text(step.title)
        settled(tab)
    tab.get_by_text(steps[2].guess.options[0]).click()
    tab.get_by_role("button", name="This is my guess").click()
    expect(tab).to_have_url(re.compile("step=3&guess=1"))
    settled(tab)
    tab.go_back()
    expect(tab.get_by_role("button", name="This is my guess")).to_be_visible()
    settled(tab)
    tab.go_back()
    expect(title).to_have_text(steps[1].title)
    expect(tab).to_have_url(re.compile("step=2"))


def test_only_some_parts_of_the_network_are_shown(server, tab):
    opened(server, tab, "?lesson=keeps&step=2")
    view = tab.locator(".living")
    expect(view.get_by_role("slider")).to_be_visible()
    expect(view.locator("canvas.network")).to_be_visible()
    for hidden in (".head", ".accuracies", ".removed", ".warning", "svg", ".digits"):
        expect(view.locator(hidden)).to_be_hidden()
    opened(server, tab, "?lesson=keeps&step=3&guess=1")
    expect(view.locator(".verdicts li")).to_have_count(4, timeout=60_000)
    expect(view.get_by_role("slider")).to_be_hidden()


def test_the_link_on_follows_the_thumb(server, tab):
    opened(server, tab, "?lesson=keeps&step=5")
    slider = tab.get_by_role("slider", name="Confidence level")
    slider.focus()
    slider.press("Home")
    expect(tab).to_have_url(re.compile("level=0"))
    link = tab.get_by_role("link", name="Go on in Explore")
    expect(link).to_have_attribute("href", re.compile("level=0$"))
    expect(slider).to_be_focused()
    with tab.context.expect_page() as other:
        link.click()
    expect(other.value.locator(".living")).to_contain_text("Level 0", timeout=60_000)


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1024, "light")])
def test_no_step_is_wider_than_the_window_and_the_ways_on_are_in_reach(server, browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    for query in (
        "?lesson=keeps&step=4&guess=1",
        "?lesson=widths&step=3",
        "?lesson=free&step=3",
        "?lesson=free&step=4",
    ):
        opened(server, page, query)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), query
        expect(page.get_by_role("button", name="All lessons")).to_be_in_viewport()
        assert page.evaluate(SMALL) == []
        assert page.get_by_role("heading", level=3).count() == 0
    context.close()
