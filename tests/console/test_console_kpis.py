"""KPIs by the REST API: definitions in revisions, values that people enter, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from kpis.entering import derive
from kpis.tracking import load
from tests.console.staff import Console, person
from tests.console.test_console_api import audited, token

EFFORT = {"id": "desk.effort", "name": "Effort per ticket", "unit": "h", "bad": "high", "source": {"kind": "manual"}}
EFFORT |= {"schedule": ["1d"]}
FETCHED = {**EFFORT, "id": "x.y", "source": {"kind": "http", "url": "http://10.0.0.1/"}}
UNKNOWN = {**EFFORT, "id": "a.b", "source": {"kind": "formula", "formula": "nope + 1"}}


def test_kpi_is_defined_changed_with_its_revision_and_retired(console: Console) -> None:
    with console.signed_in("noc") as client:
        headers = token(console, client)
        given: dict[str, Any] = {"definition": EFFORT, "why": "asked by the board"}
        first = client.post("/api/v1/kpis", json=given, headers=headers)
        assert (first.status_code, first.json()["number"], first.json()["by"]) == (201, 1, person("noc"))
        assert client.post("/api/v1/kpis", json=given, headers=headers).status_code == 409
        change = {**given, "definition": {**EFFORT, "owner": "desk"}, "revision": 1}
        assert client.put("/api/v1/kpis/desk.effort", json=change, headers=headers).json()["number"] == 2
        assert client.put("/api/v1/kpis/desk.effort", json=change, headers=headers).status_code == 409
        shown = client.get("/api/v1/kpis/desk.effort").json()
        assert (shown["owner"], shown["revision"], len(shown["revisions"])) == ("desk", 2, 2)
        assert client.delete("/api/v1/kpis/desk.effort?why=over", headers=headers).json()["state"] == "retired"
        assert "desk.effort" not in [each["id"] for each in client.get("/api/v1/kpis?q=effort").json()["items"]]
        assert "desk.effort" in [
            each["id"] for each in client.get("/api/v1/kpis?q=effort&retired=true").json()["items"]
        ]
    assert audited(console, "KPI defined", person("noc")) == 1


def test_target_of_a_shipped_kpi_is_laid_over_it(console: Console) -> None:
    with console.signed_in("supervisor") as client:
        change = {"definition": {"target": {"at_least": 0.97}}, "why": "contract of 2027", "revision": 0}
        answer = client.put("/api/v1/kpis/voip.ner", json=change, headers=token(console, client))
        assert answer.json()["kind"] == "overlay"
        assert client.get("/api/v1/kpis/voip.ner").json()["target"]["value"] == 0.97
        refused = client.delete("/api/v1/kpis/voip.ner?why=x", headers=token(console, client))
        assert refused.status_code == 400


def test_value_is_entered_corrected_and_made_a_point_by_the_job(console: Console) -> None:
    own = {**EFFORT, "id": "desk.spent"}
    with console.signed_in("noc") as client:
        headers = token(console, client)
        client.post("/api/v1/kpis", json={"definition": own, "why": "x"}, headers=headers)
        value: dict[str, Any] = {
            "entity": "network:all",
            "at": "2026-11-19T10:00:00Z",
            "value": 2.5,
            "why": "sheet of May",
        }
        first = client.post("/api/v1/kpis/desk.spent/values", json=value, headers=headers)
        assert (first.status_code, first.json()["status"]) == (202, "new"), first.text
        second = client.post("/api/v1/kpis/desk.spent/values", json={**value, "value": 3.0}, headers=headers)
        assert (second.json()["status"], second.json()["before"]) == ("corrected", 2.5)
        entries = client.get("/api/v1/kpis/desk.spent/values").json()
        assert [(each["number"], each["value"], each["by"]) for each in entries] == [
            (2, 3.0, person("noc")),
            (1, 2.5, person("noc")),
        ]
        derive(console.store, load(console.store).find("desk.spent"))
        console.store.refresh("kpi-1d")
        span = "from=2026-11-18&to=2026-11-20&resolution=86400"
        (point,) = client.get(f"/api/v1/kpis/desk.spent/points?{span}").json()["items"]
        assert point["value"] == 3.0


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("/api/v1/kpis", {"definition": {}, "why": "x"}, 400),
        ("/api/v1/kpis", {"definition": EFFORT}, 422),
        ("/api/v1/kpis", {"definition": FETCHED, "why": "x"}, 400),
        ("/api/v1/kpis", {"definition": UNKNOWN, "why": "x"}, 400),
        ("/api/v1/kpis", {"definition": {**EFFORT, "id": "voip.ner"}, "why": "x"}, 400),
        ("/api/v1/kpis/nope/values", {"at": "2026-11-19T10:00:00Z", "value": 1, "why": "x"}, 404),
        ("/api/v1/kpis/voip.ner/values", {"at": "2026-11-19T10:00:00Z", "value": 1, "why": "x"}, 400),
        ("/api/v1/kpis/voip.ner/values", {"at": "yesterday", "value": 1, "why": "x"}, 400),
        ("/api/v1/kpis/voip.ner/values", {"at": "2026-11-19T10:00:00Z", "value": "NaN", "why": "x"}, 422),
    ],
)  # fmt: skip
def test_kpi_that_cannot_be_is_refused_with_a_problem(console: Console, path: str, given: object, status: int) -> None:
    with console.signed_in("noc") as client:
        answer = client.post(path, json=given, headers=token(console, client))
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_kpis_come_a_page_at_a_time(console: Console) -> None:
    seen: list[str] = []
    after = ""
    with console.signed_in("analyst") as client:
        while True:
            page = client.get("/api/v1/kpis", params={"size": 7, "after": after}).json()
            seen += [each["id"] for each in page["items"]]
            after = page["after"]
            if not after:
                break
        assert page["total"] == len(seen) == len(set(seen))
    assert "voip.ner" in seen


def test_metrics_are_pulled_with_the_rights_of_who_asks(console: Console) -> None:
    with console.signed_in("analyst") as client:
        answer = client.get("/api/v1/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'busyhour_kpi{entity="TG2",entity_type="trunk_group",kpi="voip.ner",unit="ratio"}' in answer.text
    with console.client() as nobody:
        assert nobody.get("/api/v1/metrics").status_code == 401
