"""`python -m tests.console.screenshots FOLDER`: pictures of the console after days of generated traffic, on a node of its own.

Needs Chromium (`apt-get install chromium-headless-shell`). Takes some two minutes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from console.app import create_app
from console.server import make_services, served
from contracts.settings import read
from infrastructure.node.lifecycle import LocalNode
from infrastructure.setup import set_up
from infrastructure.store import Store
from infrastructure.users import create_user
from tests.console.staff import PASSWORD
from tests.dashboards.demo_load import fill

WHO = "ana"
DESK = {"width": 1440, "height": 1000}
PHONE = {"width": 390, "height": 844}
PICTURES: tuple[tuple[str, str, str, dict[str, int]], ...] = (
    ("noc-overview", "/", "light", DESK),
    ("noc-overview-dark", "/", "dark", DESK),
    ("voip-quality", "/dashboards/voip-quality?from=now-3d", "light", DESK),
    ("busy-hour", "/dashboards/busy-hour?from=now-7d", "light", DESK),
    ("incidents", "/incidents", "light", DESK),
    ("anomaly", "anomaly", "light", DESK),
    ("ticket", "ticket", "light", DESK),
    ("customer", "customer", "light", DESK),
    ("phone", "/", "light", PHONE),
)


def main(folder: Path) -> int:
    """Exit code."""
    binary = next((path for name in ("chromium", "chromium-headless-shell") if (path := shutil.which(name))), None)
    if binary is None:
        sys.stderr.write("no Chromium here: apt-get install chromium-headless-shell\n")
        return 3
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        settings = read({"BUSYHOUR_HOME": home, "BUSYHOUR_NODE_HEAP_MIB": "768"})
        node = LocalNode(Path(home), settings)
        node.start()
        try:
            store = Store.connect(settings)
            set_up(store)
            loaded = fill(store, Path(home) / "traffic")
            create_user(store, WHO, PASSWORD, ["busyhour_supervisor"], name="Ana Lima")
            now = loaded.until - timedelta(minutes=1)
            with (
                served(create_app(make_services(settings, clock=lambda: now))) as url,
                sync_playwright() as playwright,
            ):
                browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
                for name, path, scheme, size in PICTURES:
                    _take(browser, url, _address(store, path), scheme, size, folder / f"{name}.png")
                browser.close()
        finally:
            node.stop()
    return 0


def _address(store: Store, path: str) -> str:
    if path == "customer":
        named = {"exists": {"field": "customer.id"}}
        ticket = store.search("ticket", query=named, size=1, sort=[{"@timestamp": "desc"}])["hits"]["hits"][0]
        return f"/customers/{ticket['_source']['customer']['id'][0]}"
    if path not in ("anomaly", "ticket"):
        return path
    order = [{"anomaly.score": "desc"}] if path == "anomaly" else [{"ticket.impacted_customers": "desc"}]
    query = {"term": {"kpi.id": "voip.ner"}} if path == "anomaly" else {"match_all": {}}
    hit = store.search(path, query=query, size=1, sort=order)["hits"]["hits"][0]
    return f"/{'anomalies' if path == 'anomaly' else 'tickets'}/{hit['_id']}"


def _take(browser: Any, url: str, path: str, scheme: str, size: dict[str, int], file: Path) -> None:
    context = browser.new_context(color_scheme=scheme, viewport=size, locale="en-GB", timezone_id="Europe/Berlin")
    page: Page = context.new_page()
    page.goto(f"{url}/sign-in")
    page.fill("#username", WHO)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")
    page.goto(url + path)
    if path == "/" or "dashboards/" in path or "anomalies/" in path:
        page.wait_for_selector("html[data-filled]", state="attached", timeout=60_000)
    if "/customers/" in path:
        page.wait_for_selector("ol li", timeout=60_000)  # what to do: the diagnosis is there
    page.wait_for_timeout(600)  # the charts' own short animation
    page.screenshot(path=file)
    context.close()


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots")))
