"""Matchers, silences and inhibition: who is told of an alert, and when somebody is told after all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting import (
    acknowledge,
    add_silence,
    expire_silence,
    history,
    list_alerts,
    list_notifications,
    list_silences,
    load_watches,
    run_watches,
)
from alerting import matcher as read_matcher
from alerting.alert import Span
from alerting.inhibition import inhibiting, read_rules
from alerting.matchers import Matcher
from alerting.muting import Mute, Muting, facts_of, flaps, turns
from alerting.watch import Flapping
from contracts.clock import iso
from contracts.errors import DefinitionError, UserError
from infrastructure.store import Operation, Store
from tests.alerting.conftest import stored_watches
from tests.alerting.test_alert_runs import NOTE, TICKET, run, told

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("service=voip", ["voip"], True),
        ("service=voip", ["sms", "voip"], True),
        ("service=voip", [], False),
        ("service=", [], True),
        ("service!=voip", ["sms", "voip"], False),
        ("service!=voip", [], True),
        ('service=~"sms|vo*"', ["voip"], True),
        ('service=~"vo.*"', ["voip"], True),
        ("service=~vo", ["voip"], False),
        ("service!~s*|e*", ["voip"], True),
        ("service=~[v]oip", ["voip"], False),
        ('service="a\\"b"', ['a"b'], True),
    ],
)
def test_matcher_holds_as_alertmanagers_do(text: str, values: list[str], expected: bool) -> None:
    assert read_matcher(text).matches({"service": values}) is expected


@given(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.sampled_from(["=", "!=", "=~", "!~"]), st.text(max_size=40))
def test_matcher_is_read_as_it_is_written(name: str, op: str, value: str) -> None:
    written = Matcher(name, op, value)
    assert read_matcher(str(written)) == written


@pytest.mark.parametrize("text", ["", "service", "=voip", "ser vice=voip", "a=b" * 300])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="no matcher"):
        read_matcher(text)


@given(st.text(alphabet="a*|.", max_size=30), st.text(alphabet="ab", max_size=60))
def test_no_wildcard_runs_for_ever(pattern: str, value: str) -> None:
    Matcher("name", "=~", pattern).matches({"name": [value]})


def test_shipped_rules_let_an_incident_explain_targets_of_its_service_alone(start: datetime) -> None:
    about = facts_of("incident-open", "major", {"incident": "I1"}, {"service": ["voip", "sms"]})
    source = Span("a1", "f1", start, facts=about)
    target = facts_of("target-breach", "minor", {"service": "sms", "kpi": "sms.delivery_ratio"}, {})
    found = inhibiting(read_rules(), [source], target)
    assert found is not None and found[1] is source
    assert inhibiting(read_rules(), [source], {**target, "service": ("epc",)}) is None
    for name in ("target-sms-delivery-ratio", "sms-delivery-low"):
        kpi = facts_of(name, "major", {"service": "sms", "entity": "smsc:S1"}, {})
        found = inhibiting(read_rules(), [source], kpi)
        assert found is not None and found[1] is source
    assert inhibiting(read_rules(), [source], about) is None


def test_broken_rule_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text("- {name: x, source: [a=b], target: [nothing], equal: []}\n")
    with pytest.raises(DefinitionError, match=r"rule 1.*no matcher"):
        read_rules(path)


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=12))
def test_a_moment_judged_again_turns_nothing(moments: list[tuple[int, bool]]) -> None:
    begin = datetime.fromisoformat("2026-11-10T08:00:00+00:00")
    span = Span("a", "f", begin)
    states: dict[datetime, bool] = {}
    for minute, muted in sorted(moments, key=lambda one: one[0]):
        at = begin + timedelta(minutes=minute)
        mute = Mute("silenced", "why") if states.setdefault(at, muted) else None
        if turns(span, mute, at):
            span = Span("a", "f", begin, muted=mute is not None, turned=at)
    for at, muted in states.items():
        assert not turns(span, Mute("silenced", "why") if muted else None, at)


def test_silence_of_several_that_lasts_longest_is_the_reason(store: Store, start: datetime) -> None:
    for hours, by in ((1, "anna"), (3, "ben"), (2, "cid")):
        silenced(store, start, hours, by)
    mute = Muting(list_silences(store), (), (), start).of({"service": ["voip"]})
    assert mute is not None and "ben" in mute.why


def silenced(store: Store, start: datetime, hours: float, by: str = "anna", text: str = "service=voip") -> str:
    end = start + timedelta(hours=hours)
    return add_silence(store, [text], starts_at=start, ends_at=end, by=by, comment="exchange of a card").id


def test_silenced_alert_is_kept_and_told_when_the_silence_ends(
    store: Store, incident: Make, watch: Make, opener: Any, start: datetime
) -> None:
    incident("I1", after=10, end=None)
    silenced(store, start, 1, text="incident=I1")
    mine = [watch(NOTE | TICKET)]
    report = run(store, mine, start, start + timedelta(minutes=55), opener=opener)
    (alert,) = list_alerts(store)
    assert (report.fired, report.muted, told(store), opener.opened) == (1, 1, [], {})
    assert alert["alert"]["silenced"] is True
    assert "silenced by anna" in history(alert)[0]["left"]["note"]

    run(store, mine, start + timedelta(minutes=55), start + timedelta(minutes=70), opener=opener)
    (alert,) = list_alerts(store)
    assert told(store) == [("firing", "note", "sent"), ("firing", "ticket", "sent")]
    assert opener.requests[0].at == start + timedelta(minutes=60)
    assert alert["alert"]["silenced"] is False

    before = history(alert)
    run(store, mine, start, start + timedelta(minutes=70), opener=opener)  # the whole of it again changes nothing
    (alert,) = list_alerts(store)
    assert history(alert) == before
    assert len(told(store)) == 2


def test_silence_of_an_alert_that_was_told_keeps_its_end_to_those_who_heard_of_it(
    store: Store, incident: Make, watch: Make, start: datetime
) -> None:
    incident("I1", after=10, end=100)
    mine = [watch(NOTE)]
    run(store, mine, start, start + timedelta(minutes=20))
    silenced(store, start + timedelta(minutes=30), 0.5, text="alertname=mine")
    run(store, mine, start + timedelta(minutes=20), start + timedelta(hours=2))
    (alert,) = list_alerts(store)
    assert [entry["event"] for entry in history(alert)][:2] == ["firing", "notified"]
    assert [entry["event"] for entry in history(alert)][2:] == ["silenced", "heard again", "resolved", "notified"]
    assert told(store) == [("firing", "note", "sent"), ("resolved", "note", "sent")]


def test_silenced_alert_that_is_over_in_time_is_told_to_nobody(
    store: Store, incident: Make, watch: Make, opener: Any, start: datetime
) -> None:
    incident("I1", after=10, end=30)
    silenced(store, start, 2, text="severity=~major|critical")
    report = run(store, [watch(NOTE | TICKET)], start, start + timedelta(hours=1), opener=opener)
    assert (report.fired, report.resolved, told(store), opener.requests) == (1, 1, [], [])


def test_alert_that_nobody_takes_is_told_again_until_somebody_does(
    store: Store, incident: Make, watch: Make, opener: Any, start: datetime
) -> None:
    incident("I1", after=10, end=None)
    plain = watch(NOTE | TICKET)
    mine = [watch(NOTE | TICKET, metadata={**plain.metadata, "repeat_interval": "1h"})]
    run(store, mine, start, start + timedelta(minutes=150), opener=opener)
    (alert,) = list_alerts(store)
    times = [entry["at"] for entry in history(alert) if entry["event"] == "firing"]
    assert times == [iso(start + timedelta(minutes=minutes)) for minutes in (10, 70, 130)]
    assert [entry["run"] for entry in history(alert) if entry["event"] == "firing"][1:] == [["note"], ["note"]]

    acknowledge(store, alert["id"], by="anna", why="on it")
    run(store, mine, start, start + timedelta(minutes=400), opener=opener)
    (alert,) = list_alerts(store)
    assert len([entry for entry in history(alert) if entry["event"] == "firing"]) == 3
    assert len(opener.opened) == 1


def test_expired_silence_mutes_no_more(store: Store, incident: Make, watch: Make, start: datetime) -> None:
    incident("I1", after=10, end=None)
    key = silenced(store, start, 24 * 365 * 10, text="incident=I1")
    assert expire_silence(store, key[:8], by="ben").ends_at <= store.clock()
    assert expire_silence(store, key, by="ben") == list_silences(store)[0]
    now = store.clock() + timedelta(minutes=1)
    report = run_watches(store, since=now, until=now, watches=[watch(NOTE)], clock=lambda: now)
    assert (report.fired, report.muted) == (1, 0)


def test_open_incident_inhibits_the_targets_of_its_service(store: Store, incident: Make, start: datetime) -> None:
    incident("I1", after=10, end=60)
    for service in ("voip", "sms"):
        _breach(store, service, start + timedelta(minutes=15), start + timedelta(minutes=90))
    report = run(store, stored_watches(), start, start + timedelta(minutes=40))
    rows = {row["alert"]["labels"].get("service", ""): row["alert"] for row in list_alerts(store)}
    assert (rows["voip"]["inhibited"], rows["sms"]["inhibited"], report.muted) == (True, False, 1)
    assert _heard(store) == {"incident-open", "target-breach"}

    run(store, stored_watches(), start + timedelta(minutes=40), start + timedelta(minutes=80))
    rows = {row["alert"]["labels"].get("service", ""): row["alert"] for row in list_alerts(store)}
    assert rows["voip"]["inhibited"] is False
    notes = [row for row in list_notifications(store, limit=100) if row["alert"]["name"] == "target-breach"]
    assert len([row for row in notes if row["alert"]["status"] == "firing"]) == 2


def _heard(store: Store) -> set[str]:
    return {row["alert"]["name"] for row in list_notifications(store, limit=100)}


def _breach(store: Store, service: str, detected: datetime, end: datetime) -> None:
    document = {
        "@timestamp": iso(detected),
        "event": {"start": iso(detected), "end": iso(end), "ingested": iso(detected), "severity": 3},
        "service": {"name": service},
        "entity": {"type": "service", "id": service},
        "kpi": {"id": f"{service}.target"},
        "anomaly": {
            "id": service,
            "status": "closed",
            "detector": "threshold",
            "score": 80.0,
            "reason": "below its target",
            "detected": iso(detected),
        },
    }
    store.write_all([Operation("index", store.place("anomaly"), service, document)])
    store.refresh("anomaly")


@pytest.mark.parametrize(
    ("matchers", "hours", "by", "comment", "wrong"),
    [
        ([], 1, "anna", "why", "every alert"),
        (["service=~*"], 1, "anna", "why", "every alert"),
        (["service!=voip"], 1, "anna", "why", "every alert"),
        (["service=voip"], 0, "anna", "why", "before it starts"),
        (["service=voip"], 1, " ", "why", "an author"),
        (["service=voip"], 1, "anna", "", "a comment"),
    ],
)
def test_silence_without_sense_is_refused(
    store: Store, start: datetime, matchers: list[str], hours: int, by: str, comment: str, wrong: str
) -> None:
    with pytest.raises(UserError, match=wrong):
        add_silence(store, matchers, starts_at=start, ends_at=start + timedelta(hours=hours), by=by, comment=comment)
    assert list_silences(store) == []


def test_maintenance_mutes_what_it_is_for_and_is_told_when_it_ends(
    store: Store, incident: Make, watch: Make, start: datetime, tmp_path: Path
) -> None:
    incident("I1", after=10, end=None)
    incident("I2", after=10, end=None, entities=["trunk_group:TG9", "trunk_group:TG2"])
    calendar = tmp_path / "plan.ics"
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", "UID:1", "SUMMARY:CHG-1182",
        "LOCATION:trunk_group:TG2",
        "CATEGORIES:MAINTENANCE", "DTSTART:20261110T080000Z", "DTEND:20261110T090000Z", "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    calendar.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    mine = Store.connect(store.settings.with_values(network_calendars=str(calendar)))
    shipped = [each for each in load_watches() if each.name == "incident-open"]
    report = run(mine, shipped, start, start + timedelta(minutes=30))
    rows = {row["incident"]["id"]: row for row in list_alerts(store)}
    assert (report.fired, report.muted) == (2, 1)
    assert (rows["I1"]["alert"]["muted"], rows["I2"]["alert"].get("muted")) == ("maintenance", None)
    assert "maintenance until 2026-11-10T09:00:00.000Z: CHG-1182" in history(rows["I1"])[0]["left"]["note"]

    run(mine, shipped, start + timedelta(minutes=30), start + timedelta(minutes=70))
    (alert,) = [row for row in list_alerts(store) if row["incident"]["id"] == "I1"]
    heard = [entry for entry in history(alert) if entry["event"] == "firing"][-1]
    assert heard["at"] == "2026-11-10T09:00:00.000Z"
    assert heard["run"] == ["note", "ticket"]


def test_alert_that_flaps_is_told_again_when_it_is_calm(
    store: Store, incident: Make, watch: Make, start: datetime
) -> None:
    metadata = {**watch(NOTE).metadata, "flapping": {"changes": 4, "within": "1h"}}
    mine = [watch(NOTE, metadata=metadata)]
    muted = 0
    for number in range(4):  # it comes and goes every ten minutes
        begin = 10 + 10 * number
        incident("I1", after=begin, end=begin + 5)
        muted += run(store, mine, start + timedelta(minutes=begin), start + timedelta(minutes=begin + 5)).muted
    assert muted == 2
    rows = sorted(list_alerts(store), key=lambda row: str(row["alert"]["starts_at"]))
    assert "flapping: 4 changes within 1h" in history(rows[2])[0]["left"]["note"]
    assert [event for event, _, _ in told(store)].count("firing") == 2

    incident("I1", after=55, end=None)
    run(store, mine, start + timedelta(minutes=55), start + timedelta(minutes=180))
    last = max(list_alerts(store), key=lambda row: str(row["alert"]["starts_at"]))
    assert [entry["event"] for entry in history(last)] == ["firing", "firing", "notified"]
    assert last["alert"]["muted"] is None
    assert [event for event, _, _ in told(store)].count("firing") == 3


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=12), st.integers(2, 8), st.integers(1, 90))
def test_flapping_counts_changes_of_its_window_alone(lives: list[tuple[int, int]], changes: int, within: int) -> None:
    at = datetime.fromisoformat("2026-11-10T08:00:00+00:00")
    spans, moments = [], []
    for number, (quiet, length) in enumerate(lives):
        begin = at + timedelta(minutes=quiet)
        at = begin + timedelta(minutes=length)
        spans.append(Span(f"a{number}", "f", begin, at))
        moments += [begin, at]
    at += timedelta(seconds=1)
    mute = flaps(Flapping(changes, timedelta(minutes=within)), spans, at)
    recent = [moment for moment in moments if at - moment < timedelta(minutes=within)]
    assert (mute is not None) is (len(recent) >= changes)
    assert flaps(None, spans, at) is None
