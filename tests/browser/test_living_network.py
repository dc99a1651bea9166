"""The living network in a real Chromium: it follows the thumb, speaks, and computes what torch computes."""

import json
import re

import pytest
import torch
from chromium import MARKS
from playwright.sync_api import expect
from test_journey import settled

from mipp_core.checkpoints.fitting import load
from mipp_core.cutting.surgery import shrink
from mipp_core.experiments.networks import initial_network
from mipp_core.reports.archive import SHIPPED, load_run, slim_weights
from mipp_core.reports.in_browser import images_at_hand, shown_images
from mipp_core.reports.networks import shipped_dense, shipped_rebuilt
from mipp_core.runs import RunSpec, entry_of, masks_of

pytestmark = MARKS

FOLDER = SHIPPED / "trained-0"


def opened(server, tab, query=""):
    tab.goto(f"{server}/{query}")
    slider = tab.get_by_role("slider", name="Confidence level")
    expect(slider).to_be_visible(timeout=60_000)
    settled(tab)
    return slider


def flowing(tab):
    """Wait until an image runs through the networks, and return what each of them says, by its name."""
    rows = tab.locator(".living .verdicts li")
    expect(rows).to_have_count(4, timeout=60_000)
    expect(tab.locator(".living .verdicts li[data-probabilities]")).to_have_count(4, timeout=60_000)
    said = {row.locator("span").first.inner_text(): row.get_attribute("data-probabilities") for row in rows.all()}
    return {name: torch.tensor(json.loads(sure), dtype=torch.float64) for name, sure in said.items()}


def test_the_slider_speaks_and_the_address_follows(server, tab):
    slider = opened(server, tab)
    spoken = re.compile(
        r"^Level 15, keep a unit only if more than 99\.998474% sure .*, 78% of units removed, 98\.3% accuracy"
    )
    expect(slider).to_have_attribute("aria-valuetext", spoken)
    slider.focus()
    slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^Level 14, "))
    expect(tab).to_have_url(re.compile("level=14"))
    settled(tab)
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^Level 14, "))
    slider.press("End")
    expect(tab.locator(".living .warning")).to_contain_text("⚠ Layer collapse: ")
    expect(tab).to_have_url(re.compile("level=19"))
    expect(tab.get_by_text("has no unit left since level 18")).to_be_visible()


def test_probabilities_are_torchs_at_every_network(server, tab):
    opened(server, tab, "?level=12")
    document = load_run(FOLDER)
    spec, masks = RunSpec.from_json(document["spec"]), masks_of(entry_of(document, 12))
    image = shown_images(images_at_hand(spec.network), 8)[0][7:8].float() / 255
    dense = initial_network(spec.network)
    load(dense, shipped_dense(spec.network))
    networks = {
        "Dense": dense,
        "Cut": shrink(dense, masks),
        "Rebuilt": shrink(dense, masks),
        "Retrained": shrink(dense, masks),
    }
    load(networks["Rebuilt"], shipped_rebuilt(FOLDER)[12])
    load(networks["Retrained"], slim_weights(FOLDER, 12))
    found = flowing(tab)
    assert found.keys() == networks.keys()
    for name, network in networks.items():
        wanted = network.double()(image.double())[0].softmax(0)
        assert (found[name] - wanted).abs().max() < 1e-4, name


def test_a_digit_is_found_that_only_the_dense_network_reads(server, tab):
    opened(server, tab, "?level=17")
    flowing(tab)
    tab.get_by_role("button", name="Find one that only the dense network reads").click()
    rows = tab.locator(".living .verdicts li")
    expect(rows.nth(0)).to_contain_text("✓")
    expect(rows.nth(3)).to_contain_text("✗")


def test_a_digit_is_drawn(server, tab):
    opened(server, tab)
    flowing(tab)
    tab.get_by_role("button", name="Draw your own").click()
    box = tab.locator(".living .pad").bounding_box()
    tab.mouse.move(box["x"] + 64, box["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 60, box["y"] + 110, steps=12)
    tab.mouse.up()
    expect(tab.locator(".living .verdicts li").first).to_contain_text("1 ")
    expect(tab.locator(".living .truth")).to_contain_text("Drawn by hand")


def test_units_are_reached_by_arrows(server, tab):
    opened(server, tab)
    network = tab.get_by_role("application", name=re.compile("Units of the network"))
    network.focus()
    network.press("ArrowDown")
    expect(tab.locator(".living .pointed")).to_have_text("conv1: 6 filters, 4 kept")
    network.press("ArrowRight")
    network.press("ArrowRight")
    expect(tab.locator(".living .pointed")).to_contain_text("conv1, filter 1: removed here; goes at ")
    network.press("Enter")
    expect(tab).to_have_url(re.compile("unit=conv1%3A1|unit=conv1:1"))


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_slider_network_and_headline_share_the_first_screen(server, browser, width, height):
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    opened(server, page)
    flowing(page)
    for part in (".head", "input#slider", "canvas.network"):
        box = page.locator(f".living {part}").bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, part
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


BEHIND = """async (slider) => {
    // Moves the thumb from level to level and measures how long after that all is drawn: the slider speaks last.
    const behind = [];
    for (let level = 0; level < 20; level++) {
        const before = slider.getAttribute('aria-valuetext'), started = performance.now();
        const late = () => performance.now() - started;
        slider.value = level;
        slider.dispatchEvent(new Event('input'));
        const isDrawn = () => slider.getAttribute('aria-valuetext') !== before;
        while (!isDrawn() && late() < 5000) await new Promise(requestAnimationFrame);
        behind.push(late());
    }
    return behind;
}"""


def test_the_picture_is_never_far_behind_the_thumb(server, tab):
    slider = opened(server, tab, "?level=15")
    flowing(tab)
    behind = sorted(slider.evaluate(BEHIND))
    print(f"behind the thumb: median {behind[10]:.0f} ms, most {behind[-1]:.0f} ms")
    assert behind[-1] < 5000, "every level is drawn"


def test_the_decisions_are_played_stepped_and_stopped(server, tab):
    slider = opened(server, tab, "?level=12")
    last = tab.locator(".living [data-part=trialsaid]")
    tab.get_by_role("button", name="One step on").click()
    expect(last).to_contain_text("1 of ")
    first = last.inner_text()
    assert re.search(r"fc2, unit \d+.*: z -?[\d.]+, needed 3\.67: (kept|removed)\.", first)
    tab.get_by_role("button", name="One step on").click()
    expect(last).to_contain_text("2 of ")
    tab.get_by_role("button", name="One step back").click()
    expect(last).to_have_text(first)
    tab.get_by_role("slider", name="Speed").press("End")
    tab.get_by_role("button", name="Play the decisions").click()
    total = re.search(r"of (\d+):", first)[1]
    expect(last).to_contain_text(f"{total} of {total}: conv1", timeout=60_000)
    tab.get_by_role("button", name="Stop").click()
    expect(last).to_be_hidden()
    expect(slider).to_have_value("12")


def test_a_cut_by_hand_is_measured_at_once_and_shared_by_its_address(server, tab):
    opened(server, tab, "?level=8")
    flowing(tab)
    tab.get_by_role("button", name="Cut units yourself").click()
    said = tab.locator(".living [data-part=ownsaid]")
    expect(said).to_contain_text("You removed 0 units (0%)")
    network = tab.get_by_role("application", name=re.compile("Units of the network"))
    network.focus()
    network.press("ArrowDown")
    network.press("ArrowRight")
    network.press("Enter")
    expect(said).to_contain_text("You removed 1 unit (0%)")
    expect(said).to_contain_text("of 300 test images are read", timeout=60_000)
    expect(tab).to_have_url(re.compile("mine="))
    expect(tab.get_by_role("heading", name="Your cut")).to_be_visible()
    before = said.inner_text()
    tab.reload()
    expect(said).to_have_text(before, timeout=60_000)
    tab.get_by_role("button", name="Back to the run").click()
    expect(tab.get_by_role("heading", name="Your cut")).to_be_hidden()
    assert "mine=" not in tab.url
