"""Contacts, senders who turn out to be customers, macros and TMF621, by the API."""

from __future__ import annotations

from servicedesk.channels.message import EMAIL, Inbound
from servicedesk.channels.pipeline import Channels
from tests.console.staff import NOW, Console, person
from tests.console.test_console_api import audited, token

ANN = {"name": "Ann", "role": "billing", "email": "Ann@Else.example"}


def test_contact_is_kept_shown_with_the_accounts_history_and_taken_away(console: Console) -> None:
    with console.signed_in("supervisor") as client:
        headers = token(console, client)
        for _ in range(2):
            kept = client.put("/api/v1/customers/C1/contacts", json=ANN, headers=headers)
            assert kept.status_code == 200, kept.text
        assert kept.json()["contacts"] == [{"name": "Ann", "role": "billing", "email": "ann@else.example"}]
        page = client.get("/customers/C1").text
        assert "ann@else.example" in page
        shown = client.get("/api/v1/customers/C1").json()["customer"]
        assert any(person("supervisor") in entry and '"contact"' in entry for entry in shown["history"])
        gone = client.delete("/api/v1/customers/C1/contacts/ann@else.example", headers=headers)
        assert gone.json()["contacts"] == []
        for wrong in ({}, {"name": "Ann"}, {"email": "no"}, {**ANN, "age": 3}):
            assert client.put("/api/v1/customers/C1/contacts", json=wrong, headers=headers).status_code in (400, 422)
        assert client.put("/api/v1/customers/C1/contacts", json=ANN).status_code == 403  # without the page's token
    with console.signed_in("agent") as client:
        assert client.put("/api/v1/customers/C1/contacts", json=ANN, headers=token(console, client)).status_code == 403
    assert audited(console, "contact removed", person("supervisor")) == 1


def test_sender_is_linked_to_a_customer(console: Console) -> None:
    message = Inbound(EMAIL, "<1@else.example>", "home@else.example", "My telephone is dead", NOW, name="Ana at home")
    ticket = Channels(console.store, lambda: NOW).receive(message).ticket
    with console.signed_in("supervisor") as client:
        headers = token(console, client)
        linked = client.post(f"/api/v1/messages/{message.id}/customer", json={"customer": "C1"}, headers=headers)
        assert (linked.status_code, linked.json()["linked"]) == (200, 1), linked.text
        assert client.get(f"/api/v1/tickets/{ticket}").json()["customer"]["id"] == ["C1"]
        unknown = client.post("/api/v1/messages/none/customer", json={"customer": "C1"}, headers=headers)
        assert unknown.status_code in (400, 404)
    assert audited(console, "message linked", person("supervisor")) == 1


def test_macro_is_run_and_ticket_is_shown_as_the_tm_forum_has_it(console: Console) -> None:
    with console.signed_in("agent") as client:
        headers = token(console, client)
        assert {"take", "solved"} <= {each["id"] for each in client.get("/api/v1/macros").json()}
        key = client.post("/api/v1/tickets", json={"title": "No sound"}, headers=headers).json()["id"]
        done = client.post(f"/api/v1/tickets/{key}/macros", json={"name": "take"}, headers=headers)
        assert (done.json()["assignee"], done.json()["state"]) == (person("agent"), "open")
        assert client.post(f"/api/v1/tickets/{key}/macros", json={"name": "tkae"}, headers=headers).status_code == 404
        shown = client.get(f"/api/v1/tickets/{key}/tmf621").json()
        assert (shown["@type"], shown["status"]) == ("TroubleTicket", "inProgress")
        assert client.get("/api/v1/tickets/none/tmf621").status_code == 404
