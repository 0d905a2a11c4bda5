"""A customer's diagnosis: sessions, places beside what is normal, incidents, account, and the cause that follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from contracts.clock import hour_of_week, iso
from contracts.errors import UserError
from infrastructure.store import Operation, Store
from servicedesk import TicketDesk
from servicedesk.diagnosis import Diagnosis, diagnose

LOST = {"voip.disposition": "call-attempt", "voip.release.q850": 34, "voip.release.name": "no circuit"}
WELL = {"voip.disposition": "answered", "voip.duration.sec": 62.0, "voip.calling.mos": 4.2}
Write = Callable[[str, list[dict[str, Any]]], None]


@pytest.fixture
def now(start: datetime) -> datetime:
    return start + timedelta(hours=1)


@pytest.fixture
def ask(store: Store, now: datetime, customers: Callable[[int], Path]) -> Callable[..., Diagnosis]:
    """Diagnoses one of six customers; +1 to +3 are businesses on TG2, +4 to +6 consumers."""
    customers(6)
    return lambda who="+5", at=now: diagnose(store, store.settings, who, at)


@pytest.fixture
def figures(store: Store, start: datetime) -> Callable[..., None]:
    """NER of trunk group TG2 in the hour after START, and its band."""

    def write(good: int, of: int, lower: float = 0.97, upper: float = 1.0) -> None:
        kpi = {"id": "voip.ner", "version": 1, "numerator": float(good), "denominator": float(of), "samples": of}
        kpi |= {"value": good / of, "state": "ok", "resolution": {"sec": 3600}}
        place = {"service": {"name": "voip"}, "entity": {"type": "trunk_group", "id": "TG2"}}
        point = {"@timestamp": iso(start), **place, "kpi": kpi}
        stamp = iso(start)
        band = {
            "hour_of_week": hour_of_week(start, ZoneInfo("UTC")),
            "set": "a",
            "trained": stamp,
            "lower": lower,
            "upper": upper,
            "expected": 0.99,
        }
        baseline = {**place, "kpi": {"id": "voip.ner", "version": 1}, "baseline": band}
        store.write_all(
            [
                Operation("index", store.place("kpi-1h", start), "p", point),
                Operation("index", store.place("baseline"), "b", baseline),
            ]
        )
        store.refresh("kpi-1h", "baseline")

    return write


def calls(number: str, minutes: list[int], what: dict[str, Any], group: str = "TG2") -> list[dict[str, Any]]:
    return [
        {"minute": minute, "voip.calling.number": number, "voip.trunk_group.terminating": group, **what}
        for minute in minutes
    ]


def test_incident_is_the_cause_when_the_customers_calls_were_lost_at_its_place(
    ask: Callable[..., Diagnosis], records: Write, incident: Callable[..., Any], store: Store, now: datetime
) -> None:
    records("cdr-voip", [*calls("+5", [10, 20, 30], LOST), *calls("+5", [1], WELL), *calls("+6", [31], WELL)])
    incident(status="open", end=None)
    desk, usual = TicketDesk(store, lambda: now), {"body": "b", "priority": "low", "by": "ann"}
    theirs = desk.create("own", title="own", customers=["C0000005"], **usual)
    about = desk.create("about", title="about", incident="I1", **usual)
    store.refresh("ticket")
    found = ask()
    assert set(found.tickets) == {theirs.id, about.id}
    (to_link,) = [step for step in found.probable.next_steps if "T-" in step]
    assert about.id in to_link and theirs.id not in to_link
    assert (found.customer_id, found.asked) == ("C0000005", "+5")
    assert [one.verdict for one in found.sessions] == ["bad", "bad", "bad", "good"]
    assert found.sessions[0].what == "call out, not answered: 34 no circuit"
    assert found.sessions[3].quality == {"MOS": 4.2, "duration s": 62.0}
    assert [(one.id, one.place) for one in found.incidents] == [("I1", "trunk_group:TG2")]
    assert (found.probable.kind, found.probable.likelihood) == ("incident", 92)
    assert found.probable.title == "An incident at trunk group TG2: Trunk group TG2 loses calls"
    assert "3 sessions" in found.probable.evidence[1]
    assert found.probable.next_steps
    assert found.missing == ()


def test_incident_that_is_over_is_told_as_such(
    ask: Callable[..., Diagnosis], records: Write, incident: Callable[..., Any]
) -> None:
    records("cdr-voip", calls("+5", [10, 20], LOST))
    incident(status="closed")
    found = ask().probable
    assert (found.kind, found.title) == ("incident_over", "An incident that is over: Trunk group TG2 loses calls")
    assert "worked on" not in " ".join(found.next_steps)


def test_place_is_the_cause_when_its_figures_deviate_and_no_incident_is_open(
    ask: Callable[..., Diagnosis], records: Write, figures: Callable[..., None]
) -> None:
    records("cdr-voip", calls("+5", [10, 20], LOST))
    figures(120, 200)
    found = ask()
    (ner,) = found.comparisons
    assert (ner.kpi, ner.normal, ner.actual, ner.samples) == ("voip.ner", False, 0.6, 200.0)
    assert ner.text == "NER of trunk group TG2 is 0.60; between 0.97 and 1.00 is normal for Tue 08:00 (200 calls)"
    assert found.probable.kind == "place"
    assert found.probable.title.startswith("Trunk group TG2 is not as it usually is")


def test_own_line_is_the_cause_when_others_at_the_place_are_served_as_usual(
    ask: Callable[..., Diagnosis], records: Write, figures: Callable[..., None]
) -> None:
    records("cdr-voip", calls("+5", [10, 20], LOST))
    figures(198, 200)
    found = ask()
    assert [one.normal for one in found.comparisons] == [True]
    assert (found.probable.kind, found.probable.likelihood) == ("own_line", 55)


def test_few_calls_at_a_place_say_neither_normal_nor_not(
    ask: Callable[..., Diagnosis], records: Write, figures: Callable[..., None]
) -> None:
    records("cdr-voip", calls("+5", [10, 20], LOST))
    figures(7, 8)
    assert [one.normal for one in ask().comparisons] == [None]


def test_account_is_the_cause_when_it_is_suspended_whatever_else_is_wrong(
    ask: Callable[..., Diagnosis], records: Write, incident: Callable[..., Any], store: Store, now: datetime
) -> None:
    records("cdr-voip", calls("+5", [10, 20], LOST))
    incident(status="open", end=None)
    store.modify("customer", "C0000005", lambda row: {**row, "customer": {**row["customer"], "status": "suspended"}})
    bill = {"id": "I-1", "kind": "invoice", "state": "open", "currency": "EUR", "due": iso(now - timedelta(days=9))}
    bill |= {"amount": {"minor": 4990}, "effect": {"minor": 4990}}
    row = {"@timestamp": iso(now - timedelta(days=30)), "billing": bill, "customer": {"id": "C0000005"}}
    store.write_all([Operation("index", store.place("billing"), "I-1", row)])
    store.refresh("customer", "billing")
    found = ask()
    assert [cause.kind for cause in found.causes][:2] == ["account_suspended", "incident"]
    assert found.probable.title == "The account is suspended"
    assert found.probable.evidence == ("overdue: I-1 of 49.90 EUR, due 2026-11-01", "owed in all: 49.90 EUR")
    assert ask("C0000005").causes == found.causes


def test_silence_is_told_apart_from_records_that_are_late(
    ask: Callable[..., Diagnosis], records: Write, start: datetime
) -> None:
    records("cdr-voip", [*calls("+5", [1], WELL), *calls("+6", [60 * 24 * 5], WELL)])
    silent = ask(at=start + timedelta(days=5, hours=1))
    assert (silent.probable.kind, silent.probable.title[-27:]) == ("silent", "who used the service before")
    late = ask(at=start + timedelta(days=8))
    assert late.probable.kind == "records_late"
    assert "2026-11-15" in late.probable.evidence[0]


def test_destination_is_the_cause_when_only_calls_there_fail(ask: Callable[..., Diagnosis], records: Write) -> None:
    there = [{**row, "voip.called.country": "FR"} for row in calls("+5", [10, 20], LOST)]
    elsewhere = [{**row, "voip.called.country": "DE"} for row in calls("+5", [12, 22], WELL)]
    records("cdr-voip", [*there, *elsewhere])
    assert ask().probable.title == "All that fails goes to FR"


def test_busy_far_end_is_no_fault_and_nothing_seen_is_said_so(ask: Callable[..., Diagnosis], records: Write) -> None:
    busy = {"voip.disposition": "ringing", "voip.release.q850": 17}
    records("cdr-voip", [*calls("+5", [10], busy), *calls("+6", [11], WELL)])
    assert ask().probable.kind == "far_end"
    assert ask("+6").probable.kind == "none"
    assert ask("+4").probable.kind == "never"


def test_sessions_of_every_service_are_shown_with_outcome_and_quality(
    ask: Callable[..., Diagnosis], records: Write
) -> None:
    base = {"subscriber.msisdn": "+5", "subscriber.cell": "CELL7"}
    records("cdr-sms", [{**base, "minute": 5, "event.outcome": "failure", "sms.result": "failed", "sms.smsc": "SMSC1"}])
    mobile = {"mobile.call_type": "MOC", "event.outcome": "success", "mobile.duration.sec": 9.0}
    records("cdr-mobile-voice", [{**base, **mobile, "minute": 6}])
    epc = {"epc.apn": "internet", "event.outcome": "success", "epc.cause_for_closing": "normal_release"}
    records("cdr-epc", [{**base, **epc, "minute": 7, "epc.total.bytes": 1000}])
    found = ask()
    assert [(one.service, one.verdict, one.what) for one in found.sessions] == [
        ("epc", "good", "data session, normal release"),
        ("mobile-voice", "good", "mobile call out, success"),
        ("sms", "bad", "message failed"),
    ]
    assert found.sessions[2].cell == "CELL7"
    assert {str(place) for place in found.sessions[0].places} == {"apn:internet", "service:epc"}


def test_cell_is_the_cause_when_it_fails_more_than_in_its_week(ask: Callable[..., Diagnosis], records: Write) -> None:
    def at(minute: int, outcome: str, number: str) -> dict[str, Any]:
        row = {"minute": minute, "event.outcome": outcome, "subscriber.msisdn": number, "subscriber.cell": "CELL7"}
        return row | {"sms.result": "delivered" if outcome == "success" else "failed"}

    week = [at(-60 * hour, "success", "+9") for hour in range(2, 60)]
    hour = [at(20 + n, "failure" if n % 2 else "success", "+8") for n in range(30)]
    records("cdr-sms", [*week, *hour, at(30, "failure", "+5")])
    found = ask()
    assert found.probable.title == "Cell CELL7 fails more than usual"
    assert [one.normal for one in found.comparisons if one.entity.type == "cell"] == [False]


@pytest.mark.parametrize("who", ["", "+999", "nobody", "C9999999", "*", "\x00", "x" * 5000, "../../_search"])
def test_unknown_customer_is_refused_with_what_to_do(ask: Callable[..., Diagnosis], who: str) -> None:
    with pytest.raises(UserError, match="no customer") as caught:
        ask(who)
    assert "customer" in caught.value.remedy or "perhaps" in caught.value.remedy


def test_diagnosis_is_plain_values_for_machines(ask: Callable[..., Diagnosis], records: Write) -> None:
    records("cdr-voip", calls("+2", [10], WELL))
    plain = orjson.loads(orjson.dumps(ask("+2").as_dict()))
    assert plain["sessions"][0]["places"] == ["trunk_group:TG2", "service:voip"]
    assert plain["subscriptions"][0]["serving"][0] == "plan:PLAN1"
    assert plain["causes"][0]["kind"] == "none"


def test_what_may_not_be_read_is_named_and_counts_as_nothing_found(
    store: Store, now: datetime, customers: Callable[[int], Path], records: Write
) -> None:
    customers(6)
    records("cdr-voip", calls("+5", [10, 20], LOST))
    rights = {
        "index": [{"names": ["customer", "customer-1", "subscription", "subscription-1"], "privileges": ["read"]}]
    }
    body = {"name": "of-a-test", "role_descriptors": {"few": rights}}
    key = store.exchange.ask("POST", "/_security/api_key", body)
    few = store.with_headers({"authorization": f"ApiKey {key['encoded']}"})
    found = diagnose(few, store.settings, "+5", now)
    assert found.missing == ("sessions", "figures", "incidents", "tickets", "billing")
    assert (found.customer_id, found.sessions, found.probable.kind) == ("C0000005", (), "none")


def test_incident_of_a_destination_is_the_cause_of_calls_that_failed_there(
    ask: Callable[..., Diagnosis], records: Write, incident: Callable[..., Any]
) -> None:
    records("cdr-voip", [{**row, "voip.called.country": "FR"} for row in calls("+5", [10, 20], LOST, "TG9")])
    incident(title="Calls to FR fail", entities=["destination:FR"], status="open", end=None)
    assert (ask().probable.kind, ask().probable.likelihood) == ("incident", 92)
