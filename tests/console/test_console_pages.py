"""Pages and the API as people and machines use them, with hostile content, and while Elasticsearch is away."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerting import list_silences
from console.app import create_app
from console.pages.boards import _plain as plain_cell
from console.security import HEADERS, LARGEST_BODY
from console.server import served
from console.services import Services
from contracts.settings import Settings
from servicedesk import TicketDesk
from tests.console.staff import HOSTILE, NOW, PASSWORD, Console, person

VENDOR = Path(__file__).resolve().parents[2] / "console" / "static" / "vendor"
PLACES = (
    "/",
    "/dashboards",
    "/incidents",
    "/anomalies",
    "/alerts",
    "/tickets",
    "/customers",
    "/files",
    "/rejects",
    "/audit",
)
SINGLE = (
    "/incidents/i1",
    "/anomalies/a1",
    "/alerts/al1",
    "/customers/C1",
    "/files/f1",
    "/rejects/r1",
    "/account",
    "/users",
)


class _Scripts(HTMLParser):
    """Inline scripts, styles and handlers of a page; addresses that it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.loaded: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        self.inline += ["<style>"] if tag == "style" else []
        self._script = tag == "script" and "src" not in given and given.get("type") != "application/json"
        self.loaded += [
            str(given[name]) for name in ("src", "href") if name in given and tag in ("script", "link", "img")
        ]

    def handle_data(self, text: str) -> None:
        if self._script and text.strip():
            self.inline.append(text)


@pytest.mark.parametrize("path", (*PLACES, *SINGLE))
def test_page_escapes_what_others_wrote_and_runs_nothing_inline(console: Console, path: str) -> None:
    with console.signed_in("administrator") as client:
        answer = client.get(path)
    found = _Scripts(answer.text)
    assert answer.status_code == 200
    assert found.inline == []
    assert all(address.startswith("/") for address in found.loaded)
    assert "<script>alert" not in answer.text
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["cache-control"] == "no-store"


def test_hostile_name_is_shown_as_it_is(console: Console) -> None:
    with console.signed_in("agent") as client:
        assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in client.get("/customers/C1").text


def test_text_policy_allows_scripts_of_ours_only() -> None:
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_ticket_is_opened_commented_and_resolved_by_forms(console: Console) -> None:
    with console.signed_in("noc") as client:
        token = {"csrf": console.token(client)}
        mark = re.search(r'name="mark" value="([^"]+)"', client.get("/ticket/new").text)
        assert mark is not None
        form = {**token, "title": HOSTILE, "body": "b", "priority": "high", "mark": mark[1]}
        first = client.post("/tickets", data=form, follow_redirects=False)
        second = client.post("/tickets", data=form, follow_redirects=False)
        place = first.headers["location"]
        assert second.headers["location"] == place
        assert client.post(f"{place}/comment", data={**token, "comment": "called the carrier"}).status_code == 200
        assert client.post(f"{place}/comment", data={**token, "comment": "  "}).status_code == 400
        assert client.post(f"{place}/assign", data={**token, "to": ""}).status_code == 200
        shown = client.get(place).text
        revision = re.search(r'name="revision" value="(\d+)"', shown)
        assert revision is not None
        assert (
            client.post(f"{place}/move", data={**token, "to": "resolved", "revision": revision[1]}).status_code == 200
        )
        stale = client.post(f"{place}/move", data={**token, "to": "open", "revision": revision[1]})
        assert stale.status_code == 400
        assert "meanwhile" in stale.text
    ticket = TicketDesk(console.store).get(place.rpartition("/")[2])
    assert (ticket.state, ticket.title, ticket.assignee) == ("resolved", HOSTILE, person("noc"))
    assert {entry["by"] for entry in ticket.history} == {person("noc")}


def test_alert_is_acknowledged_once_with_a_name(console: Console) -> None:
    with console.signed_in("noc") as client:
        form = {"csrf": console.token(client), "why": "I have it"}
        for _ in range(2):
            assert client.post("/alerts/al1/acknowledge", data=form).status_code == 200
        assert "I have it" in client.get("/alerts/al1").text
    found = console.store.get("alert", "al1")
    assert found is not None
    assert sum("acknowledged" in entry for entry in found.source["alert"]["history"]) == 1


def test_alert_is_silenced_by_its_labels_for_some_hours(console: Console) -> None:
    with console.signed_in("noc") as client:
        form = {"csrf": console.token(client), "why": "CHG-1182", "hours": "2"}
        for _ in range(2):
            assert client.post("/alerts/al1/silence", data=form).status_code == 200
        assert "CHG-1182" in client.get("/alerts/al1").text
        assert client.post("/alerts/al1/silence", data={**form, "hours": "99"}).status_code == 400
        assert client.post("/alerts/al1/silence", data={**form, "why": " "}).status_code == 400
    (made,) = list_silences(console.store)
    assert {str(each) for each in made.matchers} == {'alertname="incident"', 'service="voip"'}
    assert (made.starts_at, made.ends_at, made.by) == (NOW, NOW + timedelta(hours=2), person("noc"))


def test_who_reads_a_customer_is_audited(console: Console) -> None:
    with console.signed_in("agent") as client:
        client.get("/customers/C1")
    console.store.refresh("audit")
    query = {"bool": {"filter": [{"term": {"audit.what": "read customer"}}, {"term": {"audit.who": person("agent")}}]}}
    assert console.store.count("audit", query) >= 1


def test_plot_of_an_anomaly_has_points_and_marks_its_time(console: Console) -> None:
    with console.signed_in("noc") as client:
        picture = client.get("/anomalies/a1/plot").json()
    names = [series["name"] for series in picture["option"]["series"]]
    assert names == ["actual", "expected", "normal from", "normal to"]
    assert picture["rows"] > 0
    assert "@mark" in str(picture["option"]["series"][0]["markArea"])


def test_list_pages_through_everything_once(console: Console) -> None:
    desk = TicketDesk(console.store)
    for number in range(7):
        desk.create("paging", number, title=f"t{number}", body="", priority="low", by="test", at=NOW)
    console.store.refresh("ticket")
    seen: list[str] = []
    after = ""
    with console.signed_in("noc") as client:
        while True:
            answer = client.get("/api/v1/tickets", params={"size": 2, "after": after, "priority": "low"}).json()
            seen += [row["id"] for row in answer["items"]]
            after = answer["after"]
            if not after:
                break
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize("query", ["after=x", "after=WzFd", "size=0", "size=9999", "nothing=1", "state=" + "x" * 300])
def test_api_refuses_what_is_no_question(console: Console, query: str) -> None:
    with console.signed_in("noc") as client:
        answer = client.get(f"/api/v1/tickets?{query}")
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code


def test_api_key_may_do_what_its_owner_may(console: Console) -> None:
    with console.signed_in("noc") as client:
        token = {"csrf": console.token(client)}
        made = client.post("/account/keys", data={**token, "name": "wallboard", "days": "7"}).text
        key = re.search(r'class="key">([^<]+)<', made)
        assert key is not None
    with console.client() as machine:
        machine.headers["authorization"] = f"ApiKey {key[1]}"
        assert machine.get("/api/v1/incidents").json()["items"][0]["id"] == "i1"
        assert machine.get("/api/v1/customers").status_code == 403
        opened = machine.post("/api/v1/tickets", json={"title": "by a machine", "priority": "low"})
        assert opened.status_code == 201
        changed = machine.patch(f"/api/v1/tickets/{opened.json()['id']}", json={"assignee": "ana", "comment": "x"})
        assert changed.json()["assignee"] == "ana"
        assert machine.get("/tickets").status_code == 401
        machine.headers["authorization"] = "ApiKey bm9uZTpub25l"
        assert machine.get("/api/v1/incidents").status_code == 401
        machine.headers["authorization"] = "ApiKey \u00e9".encode().decode("latin-1")
        assert machine.get("/api/v1/incidents").status_code == 401


def test_api_change_by_cookie_needs_the_token(console: Console) -> None:
    with console.signed_in("noc") as client:
        assert client.patch("/api/v1/profile", json={"name": "x"}).status_code == 403
        headers = {"x-csrf-token": console.token(client)}
        answer = client.patch("/api/v1/profile", json={"name": "Ana", "timezone": "Europe/Berlin"}, headers=headers)
        assert answer.json()["timezone"] == "Europe/Berlin"
        assert client.patch("/api/v1/profile", json={"timezone": "Mars"}, headers=headers).status_code == 400
        assert client.patch("/api/v1/profile", json={"role": "admin"}, headers=headers).status_code == 422
        assert "Europe/Berlin" in client.get("/account").text


def test_api_describes_every_noun(console: Console) -> None:
    with console.client() as client:
        paths = client.get("/api/v1/openapi.json").json()["paths"]
    nouns = {path.split("/")[3] for path in paths}
    assert nouns >= {"kpis", "anomalies", "incidents", "alerts", "tickets", "customers", "users", "profile", "files"}


def test_administrator_makes_and_changes_users(console: Console) -> None:
    with console.signed_in("administrator") as client:
        headers = {"x-csrf-token": console.token(client)}
        given = {"username": "made", "password": PASSWORD, "roles": ["busyhour_noc"]}
        assert client.post("/api/v1/users", json=given, headers=headers).status_code == 201
        assert client.post("/api/v1/users", json=given, headers=headers).status_code == 400
        superuser = {**given, "username": "super", "roles": ["superuser"]}
        assert client.post("/api/v1/users", json=superuser, headers=headers).status_code == 400
        changed = client.patch("/api/v1/users/made", json={"roles": ["busyhour_agent"]}, headers=headers)
        assert changed.json()["roles"] == ["busyhour_agent"]
        assert client.patch("/api/v1/users/made", json={"enabled": False}, headers=headers).json()["enabled"] is False


def test_guard_refuses_other_hosts_and_large_bodies(console: Console) -> None:
    with console.client() as client:
        assert client.get("/sign-in", headers={"host": "evil.example"}).status_code == 421
        assert client.post("/sign-in", content=b"x" * (LARGEST_BODY + 1)).status_code == 413
        assert client.get("/static/../app.py").status_code == 404
        assert client.get("/static/%2e%2e/app.py").status_code == 404
        missing = client.get("/nowhere", headers={"accept": "text/html"})
        assert missing.status_code == 404
        assert "Not found" in missing.text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_csv_cell_cannot_become_a_formula(cell: str) -> None:
    assert plain_cell(cell) == f"'{cell}"


def test_vendored_files_are_what_the_table_says() -> None:
    table = (VENDOR / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", table, flags=re.MULTILINE)
    assert {name for name, _ in rows} == {path.name for path in VENDOR.glob("*.js")}
    for name, digest in rows:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest


def test_page_says_that_elasticsearch_is_away_and_goes_on_when_it_is_back(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is pointed at a port where nobody listens, as when the node is stopped, and back again."""
    exchange = console.services.store.exchange.own
    right = exchange._client
    with console.signed_in("noc") as client:
        client.headers["accept"] = "text/html"
        client.get("/")
        monkeypatch.setattr(exchange, "_reopen", None)
        monkeypatch.setattr(exchange, "_wait_sec", 0.2)
        monkeypatch.setattr(exchange, "_client", _nobody())
        page = client.get("/tickets")
        assert page.status_code == 503
        assert 'http-equiv="refresh"' in page.text
        assert "Traceback" not in page.text
        assert client.get("/healthz").status_code == 200
        assert client.get("/api/v1/tickets").status_code == 503
        monkeypatch.setattr(exchange, "_client", right)
        assert client.get("/tickets").status_code == 200


def _nobody() -> Any:
    from infrastructure.connection import open_client

    return open_client(Settings({"es.url": "http://127.0.0.1:9", "es.user": "u", "es.password": "p"}))[0]


def test_second_console_knows_the_sessions_and_forms_of_the_first(console: Console) -> None:
    other = Services(console.services.store, console.services.settings, console.services.definitions, clock=lambda: NOW)
    with console.signed_in("noc") as client, served(create_app(other)) as url:
        headers = {"cookie": f"busyhour_session={client.cookies['busyhour_session']}"}
        assert httpx.get(f"{url}/tickets", headers=headers).status_code == 200
        form = {"csrf": console.token(client), "theme": "light"}
        assert httpx.post(f"{url}/account/theme", data=form, headers=headers).status_code == 303
        client.post("/sign-out", data=form)
        assert httpx.get(f"{url}/tickets", headers=headers).status_code == 401
