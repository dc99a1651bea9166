"""How long a visitor waits, in a real Chromium: `python -m benchmarks.page_times [--times 5] [--json OUT]`.

Starts the app with an empty store, and an app of one sentence, on the same machine.  Prints medians over fresh
visitors, with the lowest and the highest: the first heading, the network's picture and the first Plotly chart of
Explore, counted from the request; from letting the slider go to the end of what follows; and from a click on a page's
name to its heading.  Cold start is from the start of the process to the first heading, once.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.side_by_side.rows import machine
from benchmarks.visitors import app_with

PAGES = ("Learn", "Compare", "CMI", "Pixels", "Limits", "Information", "Runs")


class Clock:
    """Seconds by what was waited for."""

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = {}

    def note(self, name: str, since: float) -> None:
        """Keep how long ago something began."""
        self.found.setdefault(name, []).append(time.perf_counter() - since)


def visit(browser: Browser, host: str, clock: Clock, name: str, *marks: tuple[str, Callable[[Page], None]]) -> Page:
    """Open an app as a new visitor, and note when each mark is there."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    started = time.perf_counter()
    page.goto(f"http://{host}/", wait_until="commit")
    for mark, wait in marks:
        wait(page)
        clock.note(f"{name}: {mark}", started)
    return page


def heading(page: Page) -> None:
    """Wait for a heading."""
    page.get_by_role("heading", level=1).first.wait_for(timeout=120_000)


def picture(page: Page) -> None:
    """Wait until the network is drawn."""
    page.locator(".living canvas.network").first.wait_for(timeout=120_000)


def chart(page: Page) -> None:
    """Wait for a Plotly chart."""
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=120_000)


def settled(page: Page) -> None:
    """Wait until the script has ended."""
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=120_000)


def once(browser: Browser, host: str, empty: str, clock: Clock) -> None:
    """Look at everything as one visitor."""
    visit(browser, empty, clock, "an empty app", ("heading", heading)).context.close()
    marks = (("heading", heading), ("picture", picture), ("chart", chart))
    page = visit(browser, host, clock, "Explore", *marks)
    settled(page)
    slider = page.get_by_role("slider", name="Confidence level")
    slider.focus()
    for key in ("ArrowLeft", "ArrowRight"):
        started = time.perf_counter()
        slider.press(key)
        page.wait_for_selector("[data-test-script-state=running]", timeout=5000)
        settled(page)
        clock.note("slider: release to the end", started)
    for title in PAGES:
        started = time.perf_counter()
        page.get_by_role("link", name=title, exact=True).click()
        page.get_by_role("heading", level=1, name=HEADINGS.get(title, title)).wait_for(timeout=120_000)
        clock.note(f"to {title}: heading", started)
        settled(page)
        clock.note(f"to {title}: all of it", started)
    page.context.close()


HEADINGS = {"Compare": "Compare pruners", "CMI": "Conditional mutual information", "Limits": "Limits: no free prune"}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--chromium", help="the browser's file; by default the one that Playwright has")
    options = parser.parse_args()
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox", "--disable-gpu"])
        script = Path(folder) / "empty.py"
        script.write_text("import streamlit as st\nst.title('Empty')\n")
        command = (sys.executable, "-m", "streamlit", "run", script, "--server.port")
        began = time.perf_counter()
        with app_with(Path(folder)) as host, app_with(Path(folder) / "none", command) as empty:
            visit(browser, host, Clock(), "Explore", ("heading", heading)).context.close()
            clock.note("cold start to the first heading", began)
            for _ in range(options.times):
                once(browser, host, empty, clock)
        browser.close()
    print("| what | median, s | lowest to highest | n |\n| --- | --- | --- | --- |")
    for name, seconds in clock.found.items():
        print(
            f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} to {max(seconds):.2f} | {len(seconds)} |"
        )
    if options.json:
        import torch  # noqa: PLC0415  only to say on what

        document = {"machine": machine(torch.device("cpu")), "seconds": clock.found}
        options.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
