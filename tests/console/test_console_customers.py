"""A customer's page and diagnosis, with hostile words in the customer's account."""

from __future__ import annotations

from contracts.clock import iso
from infrastructure.store import Operation
from tests.console.staff import HOSTILE, Console, person
from tests.console.test_console_api import audited, token


def test_customer_page_leads_to_the_diagnosis_and_escapes_what_others_wrote(console: Console) -> None:
    with console.signed_in("agent") as client:
        page = client.get("/customers/C1").text
        assert 'hx-get="/customers/C1/diagnosis"' in page
        whole = client.get("/customers/C1/diagnosis", headers={"accept": "text/html"})
        part = client.get("/customers/C1/diagnosis", headers={"hx-request": "true"})
    assert (whole.status_code, part.status_code) == (200, 200)
    assert "<html" in whole.text
    assert "<html" not in part.text
    assert "Probable cause" in part.text
    assert "<script>alert" not in page + whole.text + part.text
    assert audited(console, "diagnosed customer", person("agent")) >= 2


def test_diagnosis_of_the_api_has_causes_and_says_what_is_missing(console: Console) -> None:
    with console.signed_in("agent") as client:
        found = client.get("/api/v1/customers/C1/diagnosis").json()
        assert (found["customer_id"], found["name"]) == ("C1", HOSTILE)
        assert found["causes"]
        assert client.get("/api/v1/customers/nobody/diagnosis").status_code in (400, 404)
    with console.signed_in("administrator") as client:
        assert "causes" in client.get("/api/v1/customers/C1/diagnosis").json()


def test_supervisor_changes_and_ends_an_account_with_its_history(console: Console) -> None:
    source = {"event": {"ingested": iso(console.now)}, "customer": {"id": "C7", "name": "Birch Ltd"}}
    console.store.write_all([Operation("index", console.store.place("customer"), "C7", source)])
    with console.signed_in("supervisor") as client:
        headers = token(console, client)
        change = {"values": {"language": "de"}, "consents_given": ["survey"]}
        changed = client.patch("/api/v1/customers/C7", json=change, headers=headers).json()
        assert (changed["language"], changed["consents"], len(changed["history"])) == ("de", ["survey"], 2)
        assert "keys" not in changed
        assert (
            client.patch("/api/v1/customers/C7", json=change, headers=headers).json()["history"] == changed["history"]
        )
        assert client.delete("/api/v1/customers/C7", headers=headers).json()["status"] == "ended"
        page = client.get("/customers/C7").text
        assert person("supervisor") in page
        for wrong in ({"values": {"balance": "1"}}, {"consents_given": ["everything"]}, {"values": {"status": "gone"}}):
            assert client.patch("/api/v1/customers/C7", json=wrong, headers=headers).status_code == 400, wrong
        assert client.patch("/api/v1/customers/nobody", json=change, headers=headers).status_code == 404
    assert audited(console, "customer ended", person("supervisor")) == 1


def test_supervisor_opens_an_account_once_and_nobody_else_does(console: Console) -> None:
    given = {"id": "C-new.1", "values": {"name": HOSTILE, "kind": "business", "language": "fr"}}
    with console.signed_in("supervisor") as client:
        headers = token(console, client)
        made = client.post("/api/v1/customers", json=given, headers=headers)
        assert (made.status_code, made.json()["name"], made.json()["status"]) == (201, HOSTILE, "active")
        assert made.json()["history"][0]["by"] == person("supervisor")
        again = client.post("/api/v1/customers", json={**given, "values": {"name": "another"}}, headers=headers)
        assert again.status_code == 409
        assert client.get("/api/v1/customers/C-new.1").json()["customer"]["name"] == HOSTILE
        for wrong in (
            {"id": "../x", "values": {"name": "a"}},
            {"id": "", "values": {"name": "a"}},
            {"id": "C9", "values": {}},
            {"id": "C9", "values": {"name": "a", "balance": "1"}},
            {"id": "C9", "values": {"name": "a", "msisdns": "+49301"}},
        ):
            assert client.post("/api/v1/customers", json=wrong, headers=headers).status_code in (400, 422), wrong
    with console.signed_in("agent") as client:
        assert client.post("/api/v1/customers", json=given, headers=token(console, client)).status_code == 403
    assert audited(console, "customer opened", person("supervisor")) == 1
