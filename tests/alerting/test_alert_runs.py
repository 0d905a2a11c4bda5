"""The whole way of an alert on a real Elasticsearch: firing once, resolving, repeating, going on after a crash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting import TicketRequest, Watch, history, list_alerts, list_notifications, run_watches
from alerting.actions import performers
from alerting.alert import Notice, Outcome
from contracts.clock import parse_iso
from contracts.errors import UserError
from infrastructure.store import Operation, Store
from tests.alerting.conftest import stored_watches

Make = Callable[..., Any]
NOTE = {"note": {"logging": {"text": "{{ctx.vars.alert.status}} {{ctx.payload.incident.title}}"}}}
TICKET = {"ticket": {"ticket": {"title": "{{ctx.payload.incident.title}}", "body": "{{ctx.payload.incident.reason}}"}}}
STEP = timedelta(minutes=5)


def run(store: Store, watches: list[Watch], since: datetime, until: datetime, **more: Any) -> Any:
    report = run_watches(store, since=since, until=until, watches=watches, clock=lambda: until, **more)
    store.refresh("audit")
    return report


def told(store: Store) -> list[tuple[str, str, str]]:
    rows = list_notifications(store, limit=1000)
    return sorted(
        (row["alert"]["status"], row["notification"]["action"], row["notification"]["status"]) for row in rows
    )


def test_alert_fires_once_and_resolves_when_a_past_range_is_replayed(
    store: Store, incident: Make, watch: Make, opener: Any, start: datetime
) -> None:
    incident("I1", after=10, end=62)
    report = run(store, [watch(NOTE | TICKET)], start, start + timedelta(hours=3), opener=opener)

    (alert,) = list_alerts(store)
    assert (report.fired, report.resolved, report.firing, report.problems) == (1, 1, 0, [])
    assert parse_iso(alert["alert"]["starts_at"]) == start + timedelta(minutes=10)
    assert parse_iso(alert["alert"]["ends_at"]) == start + timedelta(minutes=65)
    assert alert["alert"]["status"] == "resolved"
    assert alert["alert"]["severity"] == "major"
    assert alert["alert"]["unsettled"] is False
    assert alert["ticket"]["id"] == "T-1"
    assert alert["incident"]["id"] == "I1"
    assert [entry["event"] for entry in history(alert)] == ["firing", "resolved", "notified"]
    assert told(store) == [
        ("firing", "note", "sent"),
        ("firing", "ticket", "sent"),
        ("resolved", "note", "sent"),
        ("resolved", "ticket", "sent"),
    ]
    assert [request.at for request in opener.requests] == [
        start + timedelta(minutes=10),
        start + timedelta(minutes=65),
    ]


def test_alert_is_not_known_before_it_was_detected(store: Store, incident: Make, watch: Make, start: datetime) -> None:
    incident("I1", after=20, end=None)
    assert run(store, [watch(NOTE)], start, start + timedelta(minutes=19)).fired == 0
    assert run(store, [watch(NOTE)], start, start + timedelta(minutes=20)).fired == 1


def test_alert_run_changes_nothing_when_repeated(store: Store, incident: Make, watch: Make, start: datetime) -> None:
    incident("I1", after=10, end=60)
    incident("I2", after=35, end=None)
    incident("I3", after=41, end=47)
    watches = [watch(NOTE, metadata=_with_end(watch)), *stored_watches()]
    run(store, watches, start, start + timedelta(hours=2))
    before = {row["id"]: row["alert"]["history"] for row in list_alerts(store)}
    audits, notices = store.count("audit"), told(store)
    for every in (None, timedelta(minutes=1), timedelta(minutes=15)):
        report = run(store, watches, start, start + timedelta(hours=2), every=every)
        assert (report.fired, report.resolved) == (0, 0)
    assert {row["id"]: row["alert"]["history"] for row in list_alerts(store)} == before
    assert (store.count("audit"), told(store)) == (audits, notices)


def _with_end(watch: Make) -> dict[str, Any]:
    metadata: dict[str, Any] = dict(watch(NOTE).metadata)
    return {"alert": {**metadata["alert"], "ends_at": "{{ctx.payload.event.end}}"}}


def test_alert_fires_and_resolves_at_once_when_the_incident_was_over_before_anybody_looked(
    store: Store, incident: Make, opener: Any, start: datetime
) -> None:
    incident("I1", after=10, end=10)
    report = run(store, stored_watches(), start, start + timedelta(hours=1), opener=opener)
    (alert,) = list_alerts(store, watch="incident-open")
    assert (report.fired, report.resolved) == (1, 1)
    assert alert["alert"]["starts_at"] == alert["alert"]["ends_at"]
    assert len(opener.opened) == len(opener.resolved) == 1


def test_alert_of_a_late_incident_is_told_when_the_last_run_had_passed_it(
    store: Store, incident: Make, opener: Any, start: datetime
) -> None:
    run(store, stored_watches(), start, start + timedelta(hours=2), opener=opener)
    incident("I1", after=30, end=45)
    now = start + timedelta(hours=2, minutes=1)
    report = run_watches(store, opener=opener, clock=lambda: now)
    assert (report.fired, report.resolved) == (1, 1)
    assert report.since == start + timedelta(hours=2)


def test_alert_is_another_one_when_the_same_thing_happens_again(
    store: Store, incident: Make, watch: Make, start: datetime
) -> None:
    incident("I1", after=10, end=60)
    run(store, [watch(NOTE)], start, start + timedelta(hours=2))
    incident("I1", after=10, end=None)  # the detectors see it go on after all
    report = run(store, [watch(NOTE)], start + timedelta(hours=2), start + timedelta(hours=3))
    first, second = sorted(list_alerts(store), key=lambda row: str(row["alert"]["starts_at"]))
    assert report.fired == 1
    assert first["alert"]["fingerprint"] == second["alert"]["fingerprint"]
    assert first["id"] != second["id"]
    assert (first["alert"]["status"], second["alert"]["status"]) == ("resolved", "firing")


def test_alert_action_is_throttled_when_the_same_thing_fires_again_soon(
    store: Store, incident: Make, watch: Make, opener: Any, start: datetime
) -> None:
    mine = watch(NOTE | TICKET, throttle_period="2h")
    incident("I1", after=10, end=60)
    run(store, [mine], start, start + timedelta(minutes=65), opener=opener)
    incident("I1", after=10, end=None)
    report = run(store, [mine], start + timedelta(minutes=70), start + timedelta(minutes=75), opener=opener)
    second = max(list_alerts(store), key=lambda row: str(row["alert"]["starts_at"]))
    entry = history(second)[0]
    assert report.throttled == 1
    assert entry["run"] == ["ticket"]  # a ticket is reopened, never throttled
    assert entry["left"]["note"] == "throttled: told 1h before, once per 2h"


def test_alert_severity_and_summary_follow_when_the_incident_grows(
    store: Store, incident: Make, watch: Make, start: datetime
) -> None:
    incident("I1", after=10, end=None, severity=3)
    run(store, [watch(NOTE)], start, start + timedelta(minutes=15))
    incident("I1", after=10, end=None, severity=1, title="Worse")
    run(store, [watch(NOTE)], start + timedelta(minutes=15), start + timedelta(minutes=20))
    (alert,) = list_alerts(store)
    assert (alert["alert"]["severity"], alert["alert"]["summary"]) == ("critical", "Worse")
    assert [entry["event"] for entry in history(alert)] == ["firing", "notified", "revised"]
    assert parse_iso(alert["alert"]["last_fired"]) == start + timedelta(minutes=20)


def test_alert_action_runs_only_when_its_own_condition_holds(
    store: Store, incident: Make, watch: Make, start: datetime
) -> None:
    grave = {"condition": {"compare": {"ctx.payload.event.severity": {"lte": 1}}}, **NOTE["note"]}
    incident("I1", severity=1, end=None)
    incident("I2", severity=2, end=None)
    run(store, [watch({"grave": grave})], start, start + timedelta(minutes=15))
    assert told(store) == [("firing", "grave", "sent")]
    reasons = [history(row)[0]["left"] for row in list_alerts(store)]
    assert {} in reasons
    assert {"grave": "ctx.payload.event.severity is 2, not lte 1"} in reasons


def test_alerts_beyond_max_iterations_are_told_by_the_next_evaluations(
    store: Store, incident: Make, watch: Make, start: datetime
) -> None:
    for number in range(25):
        incident(f"I{number:02}", after=10, end=None)
    few = {"note": {"max_iterations": 10, **NOTE["note"]}}
    report = run(store, [watch(few)], start, start + timedelta(hours=1))
    assert report.fired == 25
    starts = sorted(str(row["alert"]["starts_at"]) for row in list_alerts(store))
    assert [starts.count(one) for one in sorted(set(starts))] == [10, 10, 5]


class _Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.mark.parametrize("point", ["before acting", "after acting", "after the alert"])
def test_notification_is_neither_lost_nor_doubled_when_the_run_is_killed(
    store: Store, incident: Make, watch: Make, opener: Any, start: datetime, point: str
) -> None:
    incident("I1", after=10, end=60)
    mine = watch(NOTE | TICKET)
    usual = performers(store, opener)

    class Dies:
        def destination(self, notice: Notice) -> str:
            if point == "after the alert":
                raise _Killed
            return ""

        def perform(self, notice: Notice) -> Outcome:
            if point == "before acting":
                raise _Killed
            usual["ticket"].perform(notice)
            raise _Killed

    until = start + timedelta(minutes=30)
    with pytest.raises(_Killed):
        run(store, [mine], start, until, acting={**usual, "ticket": Dies()})
    store.refresh("alert")
    assert list_alerts(store)[0]["alert"]["unsettled"] is True
    later = start + timedelta(minutes=35)
    report = run(store, [mine], later, later, acting=usual)
    assert report.fired == 0
    assert told(store) == [("firing", "note", "sent"), ("firing", "ticket", "sent")]
    assert len(opener.opened) == 1
    assert store.count("audit") == 1
    (alert,) = list_alerts(store)
    assert (alert["alert"]["unsettled"], alert["ticket"]["id"]) == (False, "T-1")


def test_alert_is_left_to_the_other_runner_when_both_saw_it_first(
    store: Store, incident: Make, watch: Make, opener: Any, start: datetime
) -> None:
    incident("I1", after=10, end=60)
    mine, at = watch(NOTE | TICKET), start + timedelta(minutes=10)
    usual = performers(store, opener)

    class Meanwhile:
        """While this run acts, another one does the whole range."""

        nested = False

        def destination(self, notice: Notice) -> str:
            return ""

        def perform(self, notice: Notice) -> Outcome:
            if not self.nested:
                self.nested = True
                run(store, [mine], start, start + timedelta(hours=2), acting=usual)
            return usual["ticket"].perform(notice)

    run(store, [mine], at, start + timedelta(hours=2), acting={**usual, "ticket": Meanwhile()})
    (alert,) = list_alerts(store)
    assert alert["alert"]["status"] == "resolved"
    assert alert["alert"]["unsettled"] is False
    assert (len(opener.opened), store.count("audit")) == (1, 2)


def test_run_is_refused_when_it_ends_before_it_starts(store: Store, watch: Make, start: datetime) -> None:
    now = start + timedelta(days=30)
    with pytest.raises(UserError, match="before it starts"):
        run_watches(store, since=start, until=start - timedelta(days=1), watches=[watch(NOTE)], clock=lambda: now)


def test_failed_action_is_recorded_and_stops_no_other(
    store: Store, incident: Make, watch: Make, opener: Any, start: datetime
) -> None:
    bad = {"index": {"index": "audit", "document": {"no.such.field": "x"}}}
    good = {"index": {"index": "audit", "document": {"audit.who": "me", "audit.what": "{{ctx.payload.incident.id}}"}}}
    incident("I1", end=None)
    report = run(
        store, [watch({"bad": bad, "good": good} | TICKET)], start, start + timedelta(minutes=10), opener=opener
    )
    assert told(store) == [("firing", "bad", "failed"), ("firing", "good", "sent"), ("firing", "ticket", "sent")]
    assert (report.notifications.sent, report.notifications.failed) == (2, 1)
    assert "strict" in report.problems[0]
    (kept,) = store.search("audit")["hits"]["hits"]
    assert kept["_source"]["audit"] == {"who": "me", "what": "I1"}


def test_ticket_action_fails_with_a_reason_when_no_desk_is_connected(
    store: Store, incident: Make, watch: Make, start: datetime
) -> None:
    incident("I1", end=None)
    report = run(store, [watch(TICKET)], start, start + timedelta(minutes=10))
    assert report.problems == ["mine, action ticket, firing: no service desk is connected"]


def test_search_input_resolves_nothing_when_its_answer_was_cut(
    store: Store, incident: Make, watch: Make, start: datetime
) -> None:
    def searching(size: int) -> Watch:
        query = {"range": {"incident.detected": {"lte": "{{ctx.trigger.scheduled_time}}"}}}
        body = {"size": size, "sort": ["incident.id"], "query": query}
        alert = {"labels": {"incident": "{{ctx.payload._source.incident.id}}"}, "severity": "major"}
        made: Watch = watch(
            {},
            metadata={"alert": {**alert, "summary": "x", "reason": "y"}},
            input={"search": {"request": {"indices": ["incident"], "body": body}}},
            condition={"compare": {"ctx.payload.hits.total": {"gt": 0}}},
            actions={
                "note": {"foreach": "ctx.payload.hits.hits", "logging": {"text": "{{ctx.vars.alert.labels.incident}}"}}
            },
        )
        assert made.foreach.endswith("hits")
        return made

    for number in range(3):
        incident(f"I{number}", end=None)
    at = start + timedelta(minutes=10)
    assert run(store, [searching(10)], at, at).fired == 3
    assert run(store, [searching(1)], at + STEP, at + STEP).resolved == 0


def test_shipped_watches_run_when_nothing_was_ever_written(store: Store, start: datetime) -> None:
    report = run(store, stored_watches(), start, start + timedelta(days=1))
    assert (report.fired, report.problems) == (0, [])


def test_shipped_watches_fire_for_what_they_are_for(store: Store, incident: Make, opener: Any, start: datetime) -> None:
    incident("I1", severity=1, end=None)
    incident("I2", severity=3, end=None)
    incident("I3", severity=1, end=12, status="withdrawn")
    _anomaly(store, start, "A0", "threshold", "voip.mos", "trunk_group", "TG1", severity=4)
    _anomaly(store, start, "A1", "threshold", "voip.packet_loss", "trunk_group", "TG1")
    _anomaly(store, start, "A2", "threshold", "voip.packet_loss", "trunk_group", "TG2")
    _anomaly(store, start, "A3", "feed", "voip.attempts", "service", "voip")
    _anomaly(store, start, "A4", "baseline", "voip.asr", "trunk_group", "TG2")
    _file(store, start, indexed=90)
    _file(store, start, indexed=100)
    report = run(store, stored_watches(), start, start + timedelta(minutes=30), opener=opener)
    assert report.fired == 4
    found = {(row["alert"]["name"], row["alert"]["severity"]): row["alert"] for row in list_alerts(store)}
    assert set(found) == {
        ("incident-open", "critical"),
        ("target-breach", "minor"),
        ("feed-silent", "minor"),
        ("books-unbalanced", "major"),
    }
    assert found["target-breach", "minor"]["summary"] == "voip.packet_loss misses its target at 2 places of voip"
    assert found["books-unbalanced", "major"]["summary"] == "/in/100-90.csv: 10 of 100 lines are not accounted for"
    assert sorted(request.title for request in opener.requests) == ["/in/100-90.csv does not balance", "Incident I1"]


def _anomaly(
    store: Store, start: datetime, key: str, detector: str, kpi: str, kind: str, entity: str, severity: int = 3
) -> None:
    at = start.isoformat()
    document = {
        "@timestamp": at,
        "event": {"start": at, "ingested": at, "severity": severity},
        "service": {"name": "voip"},
        "entity": {"type": kind, "id": entity},
        "kpi": {"id": kpi},
        "anomaly": {
            "id": key,
            "status": "open",
            "detector": detector,
            "score": 91.0,
            "reason": f"{kpi} is bad",
            "detected": at,
        },
    }
    store.write_all([Operation("index", store.place("anomaly"), key, document)])
    store.refresh("anomaly")


def _file(store: Store, start: datetime, indexed: int) -> None:
    document = {
        "event": {"ingested": start.isoformat()},
        "log": {"file": {"path": f"/in/100-{indexed}.csv", "fingerprint": f"f{indexed}"}},
        "file": {"state": "closed", "source": "/in", "lines": 100, "indexed": indexed, "duplicate": 0, "rejected": 0},
    }
    store.write_all([Operation("index", store.place("cdr-file"), f"file{indexed}", document)])
    store.refresh("cdr-file")


def test_checkpoint_only_moves_on_when_a_past_range_is_run_again(store: Store, watch: Make, start: datetime) -> None:
    mine = [watch(NOTE)]
    run(store, mine, start, start + timedelta(hours=2))
    run(store, mine, start, start + timedelta(hours=1))
    now = start + timedelta(hours=3)
    assert run_watches(store, watches=mine, clock=lambda: now).since == start + timedelta(hours=2)


def test_ticket_request_carries_what_a_desk_needs(
    store: Store, incident: Make, watch: Make, opener: Any, start: datetime, tmp_path: Path
) -> None:
    incident("I1", end=60, severity=1)
    run(store, [watch(TICKET)], start, start + timedelta(hours=2), opener=opener)
    opened, resolved = opener.requests
    assert isinstance(opened, TicketRequest)
    assert (opened.severity, opened.incident, opened.title) == (1, "I1", "Incident I1")
    assert opened.starts_at == opened.at == resolved.starts_at
    assert resolved.why == "the condition no longer holds"
    assert opened.notification != resolved.notification
