"""The console in a real Chromium: every page with axe-core, drill-down, tickets, phone width, both themes, no other host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.console.staff import PASSWORD, Console, person

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BINARIES = ("chromium", "chromium-headless-shell", "google-chrome")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
PLAIN = (
    "/dashboards",
    "/incidents",
    "/anomalies",
    "/alerts",
    "/tickets",
    "/customers",
    "/files",
    "/rejects",
    "/health",
)
PLAIN += ("/users", "/audit", "/account", "/glossary", "/ticket/new")
SINGLE = ("/incidents/i1", "/alerts/al1", "/customers/C1", "/customers/C1/diagnosis", "/rejects/r1")
SPAN = "?from=2026-11-19&to=2026-11-21"  # the time that the test's points are of, whatever the day is


@dataclass
class Watched:
    """A page, and what it should never do."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console at {self.page.url}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.wrong.append(f"other host: {request.url}")

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)
        if path == "/" or path.startswith(("/dashboards/", "/anomalies/")):
            self.page.wait_for_selector("html[data-filled]", state="attached", timeout=30_000)

    def violations(self) -> list[str]:
        """What axe-core finds, a line each."""
        found = self.page.evaluate("(rules) => axe.run({ runOnly: rules })", RULES)["violations"]
        return [f"{each['id']}: {each['nodes'][0]['html'][:200]} ({len(each['nodes'])})" for each in found]

    def scrolls_sideways(self) -> bool:
        return bool(self.page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    binary = next((path for name in BINARIES if (path := shutil.which(name))), None)
    if binary is None:
        pytest.skip("no Chromium here: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield started
        started.close()


def _page(browser: Browser, console: Console, role: str, *, scheme: str = "light", **options: object) -> Watched:
    context = browser.new_context(color_scheme=scheme, viewport=options.get("viewport", DESK), locale="en-GB")  # type: ignore[arg-type]
    context.add_init_script(AXE)
    watched = Watched(context.new_page(), console.url)
    watched.watch()
    console.services.by_address.forgive("127.0.0.1")
    watched.open("/sign-in")
    watched.page.fill("#username", person(role))
    watched.page.fill("#password", PASSWORD)
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url(console.url + "/")
    return watched


def _boards(console: Console) -> list[str]:
    return [f"/dashboards/{name}{SPAN}" for name in console.services.boards]


def test_every_page_is_accessible_and_quiet(browser: Browser, console: Console) -> None:
    found = {}
    watched = _page(browser, console, "administrator")
    for path in ("/sign-in", "/", *PLAIN, *SINGLE, "/anomalies/a1", *_boards(console)):
        watched.open(path)
        if violations := watched.violations():
            found[path] = violations
    assert not found
    assert not watched.wrong


def test_dark_theme_has_the_contrast_too(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "administrator", scheme="dark")
    found = {}
    for path in ("/", "/alerts", "/tickets", f"/dashboards/voip-trunks{SPAN}", "/anomalies/a1", "/account", "/users"):
        watched.open(path)
        if violations := watched.violations():
            found[path] = violations
    assert not found
    assert watched.page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(17, 20, 24)"
    assert not watched.wrong


def test_phone_shows_every_page_without_scrolling_sideways(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "administrator", viewport=PHONE)
    wide = []
    for path in ("/", *PLAIN, *SINGLE, *_boards(console)):
        watched.open(path)
        wide += [path] if watched.scrolls_sideways() else []
    assert not wide
    assert not watched.wrong


def test_dashboard_fills_and_leads_on_with_the_filter_kept(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "noc")
    watched.open(f"/dashboards/noc-overview{SPAN}&severity=critical")
    page = watched.page
    row = page.locator("[data-panel=worst-entities] table tbody tr").first
    row.get_by_role("link", name="TG2").click()
    page.wait_for_selector("html[data-filled]", state="attached")
    assert "/dashboards/voip-trunks?" in page.url
    assert "f=entity.id%3ATG2" in page.url
    assert "from=2026-11-19" in page.url
    chip = page.get_by_role("link", name="entity.id: TG2")
    chip.click()
    page.wait_for_selector("html[data-filled]", state="attached")
    assert "f=" not in page.url.replace("from=", "")
    assert not watched.wrong


def test_chart_has_a_table_a_file_and_a_picture(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "noc")
    watched.open(f"/dashboards/voip-trunks{SPAN}")
    page = watched.page
    chart = page.locator("[data-panel][data-state=ok]:has(canvas)").first
    assert chart.locator(".body").get_attribute("role") == "img"
    chart.locator("summary").click()
    chart.get_by_role("button", name="Table").click()
    chart.locator("details table tbody tr").first.wait_for()
    with page.expect_download() as picture:
        chart.get_by_role("button", name="PNG").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as file:
        chart.get_by_role("link", name="CSV").click()
    assert file.value.suggested_filename.endswith(".csv")
    assert not watched.wrong


def test_denied_panel_says_so(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "noc")
    watched.open(f"/dashboards/customers{SPAN}")
    words = watched.page.locator("[data-state=denied] .reason").first.inner_text()
    assert words.startswith("Your roles may not read: customer")


def test_ticket_and_alert_are_worked_on_by_keyboard(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "noc")
    page = watched.page
    watched.open("/alerts/al1")
    page.focus("#why")
    page.keyboard.type("mine")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("acknowledged · person-noc: mine").wait_for()
    watched.open("/ticket/new")
    page.focus("#title")
    page.keyboard.type("Trunk down")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tickets/T-*")
    page.fill("#comment", "called the carrier")
    page.get_by_role("button", name="Comment").click()
    page.get_by_role("button", name="Assign").click()
    page.fill("#why", "carrier mended it")
    page.get_by_role("button", name="→ resolved").click()
    page.get_by_text("→ resolved: carrier mended it").wait_for()
    assert not watched.wrong


def test_language_zone_and_theme_are_the_persons_own(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "analyst")
    page = watched.page
    watched.open("/account")
    page.select_option("#language", "de")
    page.select_option("#timezone", "Asia/Tokyo")
    page.select_option("#theme", "dark")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Ihr Konto").wait_for()
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.locator("html").get_attribute("data-theme") == "dark"
    watched.open("/incidents")
    assert "Zeiten in Asia/Tokyo" in page.locator("footer").inner_text()
    assert "20.11.26, 21:00" in page.locator("main").inner_text()  # NOW is 12:00 UTC
    assert not watched.wrong


def test_customer_page_fetches_the_diagnosis_by_itself(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "agent")
    watched.open("/customers/C1")
    page = watched.page
    page.locator("[aria-labelledby=diagnosis] h3").first.wait_for()
    assert "Probable cause" in page.locator("[aria-labelledby=diagnosis]").inner_text()
    assert not watched.violations()
    assert not watched.wrong


def test_table_becomes_a_picture_with_all_its_rows(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "noc")
    watched.open(f"/dashboards/noc-overview{SPAN}")
    panel = watched.page.locator("[data-panel=worst-entities]")
    rows = panel.locator("table tr").count()
    assert rows > 1
    panel.locator("summary").click()
    with watched.page.expect_download() as picture:
        panel.get_by_role("button", name="PNG").click()
    content = Path(picture.value.path()).read_bytes()
    assert content.startswith(b"\x89PNG")
    height = int.from_bytes(content[20:24], "big")  # IHDR of PNG: width, then height
    assert height == (rows + 2) * 20 + 10  # a line each, the title and a margin
    assert not watched.wrong


def test_paper_has_its_own_colours_and_clips_nothing(browser: Browser, console: Console) -> None:
    watched = _page(browser, console, "noc", scheme="dark")
    watched.open(f"/dashboards/voip-quality{SPAN}")
    page = watched.page
    page.set_viewport_size({"width": 720, "height": 1000})
    page.emulate_media(media="print")
    page.wait_for_timeout(500)
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("header.top nav").is_visible()
    assert not page.get_by_role("button", name="Show").is_visible()
    assert page.locator("#times").is_visible()
    assert not watched.scrolls_sideways()
    clipped = """() => [...document.querySelectorAll(".panel .scrolled, .panel canvas")].filter(
        one => one.getBoundingClientRect().width > one.closest(".panel").getBoundingClientRect().width + 1
            || (one.matches(".scrolled") && one.scrollHeight > one.clientHeight + 1)).length"""
    assert page.evaluate(clipped) == 0
    assert not watched.wrong


def test_dashboard_speaks_the_persons_language_in_pictures_too(browser: Browser, console: Console) -> None:
    console.services.profiles.change(person("data_engineer"), {"language": "fr"})
    watched = _page(browser, console, "data_engineer")
    watched.open(f"/dashboards/voip-trunks{SPAN}")
    page = watched.page
    assert page.locator("h1").inner_text() == "Faisceaux VoIP et SBC"
    panel = page.locator("[data-panel][data-state=ok]:has(canvas)").first
    labels = page.evaluate("() => JSON.parse(document.getElementById('facts').textContent).labels")
    assert labels["calls an hour"] == "appels par heure"
    assert panel.locator(".body").get_attribute("data-title") in labels.values()
    assert not watched.wrong
