"""The REST API's changes: what is written, by whom, once, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.console.staff import Console, person

SILENCE = {
    "matchers": ["service=voip", 'alertname=~"trunk.*"'],
    "starts_at": "2026-11-20T12:00:00Z",
    "ends_at": "2026-11-20T14:00:00Z",
    "comment": "CHG-1182",
}
VERDICT = {"verdict": "false", "why": "test calls of the lab", "days": 90}


def token(console: Console, client: httpx.Client) -> dict[str, str]:
    return {"x-csrf-token": console.token(client)}


def audited(console: Console, what: str, who: str) -> int:
    console.store.refresh("audit")
    wanted = [{"term": {"audit.what": what}}, {"term": {"audit.who": who}}]
    return console.store.count("audit", {"bool": {"filter": wanted}})


def test_silence_is_added_once_listed_and_ended(console: Console) -> None:
    with console.signed_in("supervisor") as client:
        headers = token(console, client)
        first, second = (client.post("/api/v1/silences", json=SILENCE, headers=headers) for _ in range(2))
        assert (first.status_code, second.json()["id"]) == (201, first.json()["id"])
        assert (first.json()["by"], first.json()["state"]) == (person("supervisor"), "active")
        (listed,) = client.get("/api/v1/silences").json()
        assert listed["matchers"] == ['alertname=~"trunk.*"', 'service="voip"']
        ended = client.delete(f"/api/v1/silences/{listed['id']}", headers=headers)
        assert ended.json()["state"] == "expired"
        assert client.get("/api/v1/silences").json() == []
        assert [each["id"] for each in client.get("/api/v1/silences?over=true").json()] == [listed["id"]]
    assert audited(console, "silence ended", person("supervisor")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"matchers": []},
        {"matchers": ["=x"]},
        {"matchers": ['service=~".*"']},
        {"starts_at": "soon"},
        {"ends_at": "2026-11-20T11:00:00Z"},
        {"ends_at": "2096-11-20T11:00:00Z"},
        {"comment": " "},
        {"by": "somebody else"},
    ],
)
def test_silence_that_cannot_be_is_refused(console: Console, change: dict[str, Any]) -> None:
    with console.signed_in("noc") as client:
        answer = client.post("/api/v1/silences", json={**SILENCE, **change}, headers=token(console, client))
        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"


def test_verdict_on_an_anomaly_is_kept_and_shown(console: Console) -> None:
    with console.signed_in("noc") as client:
        said = client.put("/api/v1/anomalies/a1/verdict", json=VERDICT, headers=token(console, client))
        assert said.status_code == 200, said.text
        assert (said.json()["by"], said.json()["verdict"]) == (person("noc"), "false")
        page = client.get("/anomalies/a1").text
        assert "test calls of the lab" in page
        form = {"csrf": console.token(client), "verdict": "true", "scope": "series", "days": "28", "why": "cable cut"}
        assert client.post("/anomalies/a1/verdict", data=form).status_code == 200
        assert "cable cut" in client.get("/anomalies/a1").text
        for change in ({"verdict": "maybe"}, {"scope": "all"}, {"days": "x"}, {"days": "900"}, {"why": ""}):
            assert client.post("/anomalies/a1/verdict", data={**form, **change}).status_code == 400, change
    found = console.store.get("feedback", "a1")
    assert found is not None
    assert found.source["feedback"]["verdict"] == "true"
    assert audited(console, "anomaly marked false", person("noc")) == 1


def test_verdict_on_an_incident_is_kept_of_each_of_its_anomalies(console: Console) -> None:
    with console.signed_in("noc") as client:
        headers = token(console, client)
        said = client.put("/api/v1/incidents/i1/verdict", json={**VERDICT, "verdict": "expected"}, headers=headers)
        assert [each["anomaly"] for each in said.json()] == ["a1"]
        assert client.put("/api/v1/incidents/none/verdict", json=VERDICT, headers=headers).status_code == 404
        wrong = client.put("/api/v1/anomalies/a1/verdict", json={**VERDICT, "verdict": "no"}, headers=headers)
        assert wrong.status_code == 422


def test_change_without_the_form_token_is_refused_with_a_cookie(console: Console) -> None:
    with console.signed_in("noc") as client:
        assert client.put("/api/v1/anomalies/a1/verdict", json=VERDICT).status_code == 403
        assert client.post("/api/v1/silences", json=SILENCE).status_code == 403
