"""The journeys that matter, in a real Chromium."""

import re

import torch
from chromium import MARKS
from playwright.sync_api import expect

from mipp_core.models import architecture

pytestmark = MARKS


def settled(tab):
    tab.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]")
    tab.wait_for_selector("[data-test-script-state=notRunning]")


def headline(tab):
    return tab.locator(".living .head").inner_text()


def test_open_then_move_the_slider_by_keyboard_and_mouse(server, tab):
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(server)
    expect(tab.get_by_text("A shipped run")).to_be_visible(timeout=60_000)
    expect(tab.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    settled(tab)
    before = headline(tab)
    handle = tab.get_by_role("slider", name="Confidence level")
    handle.focus()
    handle.press("ArrowRight")
    expect(tab.get_by_text("Level 16:")).to_be_visible()
    settled(tab)
    assert headline(tab) != before
    box = handle.bounding_box()
    tab.mouse.click(box["x"] + box["width"] * 0.98, box["y"] + box["height"] / 2)
    expect(tab.get_by_text(re.compile(r"Level 1[89]:"))).to_be_visible()
    expect(tab).to_have_url(re.compile("level=1[89]"))
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


def test_a_tick_goes_back_to_what_was_looked_at_before(server, tab):
    tab.goto(f"{server}/?level=12")
    expect(tab.get_by_text("Level 12:")).to_be_visible(timeout=60_000)
    tab.get_by_role("button", name="LeNet5 at initialisation").click()
    expect(tab.get_by_role("heading", name="What you looked at")).to_be_visible()
    settled(tab)
    table = tab.locator("[class*=st-key-tried_table] canvas").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    tab.mouse.click(box["x"] + 20, box["y"] + 88)  # the second row's box
    expect(tab).not_to_have_url(re.compile("initialisation"))
    expect(tab).to_have_url(re.compile("level=12"))
    expect(tab.locator(".st-key-start button[data-selected=true]")).to_have_text("trained")


def test_a_point_of_the_shipped_comparison_opens_its_masks_and_its_run(server, tab):
    tab.goto(f"{server}/compare")
    expect(tab.get_by_role("heading", name="Characteristics")).to_be_visible(timeout=60_000)
    expect(tab.locator(".js-plotly-plot").first).to_be_visible()
    settled(tab)
    tab.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    tab.mouse.click(*tab.evaluate(A_POINT))
    link = tab.get_by_role("link", name="open it in Explore")
    expect(link).to_be_visible()
    assert re.search(r"run=[0-9a-f]{16}&point=\d+$", link.get_attribute("href"))
    tab.goto(f"{server}/{link.get_attribute('href')}")
    expect(tab.get_by_text("A shipped run")).to_be_visible(timeout=60_000)


A_POINT = """() => {
    const chart = document.querySelector('.js-plotly-plot'), box = chart.getBoundingClientRect();
    const {xaxis, yaxis} = chart._fullLayout;
    const dots = chart._fullData.find(trace => trace.mode === 'markers' && trace.name === 'MIPP');
    const at = dots.x.length - 2;
    return [box.left + xaxis._offset + xaxis.d2p(dots.x[at]), box.top + yaxis._offset + yaxis.d2p(dots.y[at])];
}"""
"""The place in the window of one of MIPP's points in the first chart."""


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
    assert re.search(r"[?&]weights=[0-9a-f]{64}(&|$)", tab.url)
    tab.reload()
    expect(tab.get_by_text("lenet5: 10 tensors")).to_be_visible()
    tab.get_by_role("button", name="Forget").click()
    expect(place).to_be_attached()
    assert "weights" not in tab.url
