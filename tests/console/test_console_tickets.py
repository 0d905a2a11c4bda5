"""Tickets by the REST API and the pages: priority, tags, notes, merging, and two people at once."""

from __future__ import annotations

from typing import Any

import httpx

from tests.console.staff import HOSTILE, Console, person
from tests.console.test_console_api import audited, token


def _opened(client: httpx.Client, headers: dict[str, str], title: str) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/api/v1/tickets", json={"title": title}, headers=headers).json()
    return found


def test_ticket_is_prioritised_tagged_and_linked(console: Console) -> None:
    with console.signed_in("agent") as client:
        headers = token(console, client)
        one, other = (_opened(client, headers, title) for title in ("no data", "no voice"))
        change = {"impact": "extensive", "urgency": "critical", "add_tags": ["vip"], "assignee": "ana"}
        changed = client.patch(f"/api/v1/tickets/{one['id']}", json=change, headers=headers).json()
        assert (changed["priority"], changed["tags"], changed["assignee"]) == ("critical", ["vip"], "ana")
        link = {"relation": "blocks", "other": other["id"]}
        assert client.post(f"/api/v1/tickets/{one['id']}/links", json=link, headers=headers).status_code == 200
        seen = client.get(f"/api/v1/tickets/{other['id']}").json()
        assert seen["ticket"]["links"] == [f"blocked_by:{one['id']}"]
        page = client.get(f"/tickets/{one['id']}").text
        assert f'href="/tickets/{other["id"]}"' in page
        for wrong in ({"impact": "huge", "urgency": "low"}, {"state": "nowhere"}, {"add_tags": [" "]}):
            answer = client.patch(f"/api/v1/tickets/{one['id']}", json=wrong, headers=headers)
            assert answer.status_code == 400, wrong


def test_ticket_is_of_a_customer_that_exists(console: Console) -> None:
    with console.signed_in("agent") as client:
        headers = token(console, client)
        made = client.post("/api/v1/tickets", json={"title": "no tone", "customer": "C1"}, headers=headers)
        assert client.get(f"/api/v1/tickets/{made.json()['id']}").json()["customer"]["id"] == ["C1"]
        unknown = client.post("/api/v1/tickets", json={"title": "no tone", "customer": "C404"}, headers=headers)
        assert unknown.status_code == 400
        assert "C404" in unknown.json()["detail"]


def test_second_of_two_people_is_told_and_changes_nothing(console: Console) -> None:
    with console.signed_in("agent") as client:
        headers = token(console, client)
        ticket = _opened(client, headers, "two at once")
        path, seen = f"/api/v1/tickets/{ticket['id']}", len(ticket["history"])
        first = client.patch(path, json={"assignee": "ana", "revision": seen}, headers=headers)
        second = client.patch(path, json={"assignee": "ben", "revision": seen}, headers=headers)
        assert (first.status_code, second.status_code) == (200, 409)
        assert client.get(path).json()["ticket"]["assignee"] == "ana"


def test_ticket_is_merged_and_split(console: Console) -> None:
    with console.signed_in("noc") as client:
        headers = token(console, client)
        one, other = (_opened(client, headers, title) for title in ("down", "down too"))
        merged = client.post(f"/api/v1/tickets/{one['id']}/merge", json={"into": other["id"]}, headers=headers)
        assert merged.json()["id"] == other["id"]
        assert other["id"] in client.get(f"/tickets/{one['id']}").text
        part = client.post(f"/api/v1/tickets/{other['id']}/parts", json={"title": "the bill"}, headers=headers)
        assert part.status_code == 201
        assert part.json()["title"] == "the bill"
    assert audited(console, "ticket merged", person("noc")) == 1


def test_private_note_is_for_the_desk_alone(console: Console) -> None:
    with console.signed_in("agent") as client:
        headers = token(console, client)
        ticket = _opened(client, headers, "angry caller")
        path = f"/tickets/{ticket['id']}"
        form = {"csrf": console.token(client), "note": HOSTILE}
        assert client.post(f"{path}/note", data=form).status_code == 200
        assert client.post(f"{path}/note", data={**form, "note": " "}).status_code == 400
        assert [each["text"] for each in client.get(f"/api/v1{path}/notes").json()] == [HOSTILE]
        assert "&lt;script&gt;alert" in client.get(path).text
    with console.signed_in("noc") as client:
        assert "alert(" not in client.get(path).text
        assert client.get(f"/api/v1{path}/notes").status_code == 403


def test_supervisor_says_who_works_at_the_desk(console: Console) -> None:
    with console.signed_in("supervisor") as client:
        headers = token(console, client)
        given = {"full_name": "Ana Lima", "skills": ["billing"], "languages": ["pt"], "capacity": 5}
        assert client.put("/api/v1/agents/ana", json=given, headers=headers).json()["capacity"] == 5
        assert client.put("/api/v1/agents/ana", json={**given, "away": True}, headers=headers).json()["away"] is True
        (kept,) = client.get("/api/v1/agents").json()
        assert (kept["name"], kept["away"], kept["languages"]) == ("ana", True, ["pt"])
        assert client.put("/api/v1/agents/ana", json={"shift": "never"}, headers=headers).status_code in (400, 404)
