"""Many visitors and one long run: `python -m benchmarks.sessions [visitors] [moves]`.

Starts the app with an empty store, starts a live run in one browser session, and lets so many sessions (12 by default)
move the slider of the shipped run, each in its own time, while it goes on.  Prints how long a move takes, from the key
to the end of the script, and fails if the median exceeds one second or if anybody sees an error.  Needs Chromium.
"""

import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from playwright.async_api import Browser, Page, async_playwright

_PORT = 8599
_ADDRESS = f"http://127.0.0.1:{_PORT}"
_FLAGS = ["--no-sandbox", "--disable-gpu"]
_SLIDER = ".st-key-level input[type=range]"
_IDLE = "[data-test-script-state=notRunning]"


async def main(visitors: int, moves: int) -> int:
    """Serve, visit, measure."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=_FLAGS)
        await _start_run(browser)
        pages = [await _visit(browser) for _ in range(visitors)]
        chance = random.Random(0)
        plans = [[chance.uniform(0, 2 * visitors / 4) for _ in range(moves)] for _ in pages]
        taken = await asyncio.gather(*(_move(page, plan) for page, plan in zip(pages, plans, strict=True)))
        errors = sum([await page.locator("[data-testid=stException], [data-testid=stAlert]").count() for page in pages])
        await browser.close()
    seconds = sorted(second for each in taken for second in each)
    going = urllib.request.urlopen(f"{_ADDRESS}/api/health").read().decode()
    median = statistics.median(seconds)
    print(
        f"{visitors} sessions, {len(seconds)} moves: median {median:.2f} s, 95% {seconds[int(0.95 * len(seconds))]:.2f}"
    )
    print(f"errors on screen: {errors}; health: {going}")
    return int(median > 1 or errors > 0)


async def _start_run(browser: Browser) -> None:
    page = await (await browser.new_context()).new_page()
    await page.goto(f"{_ADDRESS}/?dataset=mnist-sample")
    await page.locator(".st-key-start_run button").click(timeout=60_000)
    await page.locator(".st-key-cancel").wait_for(timeout=60_000)
    await page.close()


async def _visit(browser: Browser) -> Page:
    page = await (await browser.new_context(viewport={"width": 1280, "height": 900})).new_page()
    await page.goto(_ADDRESS)
    await page.get_by_text("A shipped run").wait_for(timeout=120_000)
    await page.locator(_IDLE).wait_for(timeout=60_000)
    return page


async def _move(page: Page, plan: list[float]) -> list[float]:
    """Move the slider after each pause of a plan; return the seconds that each move took."""
    taken = []
    slider = page.locator(_SLIDER)
    for number, pause in enumerate(plan):
        await asyncio.sleep(pause)
        started = time.perf_counter()
        await slider.press("ArrowRight" if number % 12 < 6 else "ArrowLeft")
        expected = 3 + (number % 12 + 1 if number % 12 < 6 else 11 - number % 12)
        await page.get_by_text(f"Level {expected}:").wait_for(timeout=60_000)
        await page.locator(_IDLE).wait_for(timeout=60_000)
        taken.append(time.perf_counter() - started)
    return taken


if __name__ == "__main__":
    chosen = [int(word) for word in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as store:
        words = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={_PORT}"]
        with subprocess.Popen(words, env={**os.environ, "MIPP_STORE": store}, stdout=subprocess.DEVNULL) as server:
            try:
                time.sleep(10)
                code = asyncio.run(main(*(chosen or [12, 8]), *([8] if len(chosen) == 1 else [])))
            finally:
                server.terminate()
                subprocess.run(["pkill", "-f", f"start_worker.py {store}"], check=False)
    sys.exit(code)
