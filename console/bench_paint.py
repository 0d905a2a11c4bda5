"""When a person sees something: the browser's own paint timing of a dashboard's page, opened anew each time."""

from __future__ import annotations

import shutil
from typing import Any

from console.sessions import COOKIE

BINARIES = ("chromium", "chromium-headless-shell", "google-chrome")
_FILLED_MS = 60_000
# Paint Timing (W3C): milliseconds since the navigation began. `filled`: board.js says so when every panel has its answer.
_TIMES = """() => ({
    ...Object.fromEntries(performance.getEntriesByType("paint").map(one => [one.name, one.startTime])),
    filled: performance.now(),
})"""


def paints(url: str, cookie: str, path: str, rounds: int) -> dict[str, list[float]]:
    """Seconds from the navigation to `first-paint`, `first-contentful-paint` and `filled`, one for each round.

    Every round has a browser profile of its own, so that nothing is kept from the one before. Empty lists where there is no
    Chromium or no Playwright. `cookie`: `name=value` of a session.
    """
    names = ("first-paint", "first-contentful-paint", "filled")
    found: dict[str, list[float]] = {name: [] for name in names}
    binary = next((place for name in BINARIES if (place := shutil.which(name))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return found
    if binary is None:
        return found
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        try:
            for _ in range(rounds):
                times = _one(browser, url, cookie, path)
                for name in names:
                    found[name].append(times[name] / 1000)
        finally:
            browser.close()
    return found


def _one(browser: Any, url: str, cookie: str, path: str) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        context.add_cookies([{"name": COOKIE, "value": cookie.partition("=")[2], "url": url}])
        page = context.new_page()
        page.goto(url + path, wait_until="commit")
        page.wait_for_selector("html[data-filled]", state="attached", timeout=_FILLED_MS)
        times: dict[str, float] = page.evaluate(_TIMES)
        return times
    finally:
        context.close()
