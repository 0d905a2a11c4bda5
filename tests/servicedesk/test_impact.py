"""Who feels an incident, for each kind of place and each way a record goes badly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.entities import ENTITY_TYPES, SERVICES, Entity
from infrastructure.store import Operation, Store
from servicedesk import impacted
from servicedesk.bad_outcomes import bad, places

Load = Callable[[int], Any]
Write = Callable[[str, list[dict[str, Any]]], None]
Make = Callable[..., dict[str, Any]]
TG = "voip.trunk_group.terminating"
CALLER, CALLEE, HOW, Q850, SIP = (
    "voip.calling.number",
    "voip.called.number",
    "voip.disposition",
    "voip.release.q850",
    "voip.release.sip",
)


def names(found: Any) -> list[int]:
    return [int(key[1:]) for key in found.customer_ids]


def test_impact_counts_callers_and_callees_of_lost_calls_in_the_window(
    store: Store, customers: Load, records: Write, incident: Make, start: datetime
) -> None:
    customers(40)
    lost = {HOW: "call-attempt", Q850: 38, TG: "TG9"}
    records(
        "cdr-voip",
        [
            {CALLER: "+10", CALLEE: "+11", **lost},
            {CALLER: "+10", **lost},
            {CALLER: "+12", **lost, "minute": 61},  # after it
            {CALLER: "+13", **lost, "minute": -1},  # before it
            {CALLER: "+14", **lost, TG: "TG8"},  # elsewhere
            {CALLER: "+15", **lost, HOW: "answered"},
            {CALLER: "+16", **lost, Q850: 17},  # busy is the user's
            {CALLER: "+17", **lost, Q850: 0, SIP: 486},
            {CALLER: "+18", **lost, Q850: 0, SIP: 503},
            {CALLER: "+19", **lost, Q850: 0, SIP: 0, HOW: "ringing"},
            {CALLER: "+20", **lost, Q850: 0, SIP: 0},
            {CALLER: "+99", **lost},  # nobody of ours
            {**lost},  # no number at all
        ],
    )
    found = impacted(store, incident(entities=["trunk_group:TG9", "service:voip"]))
    assert names(found) == [10, 11, 18, 20]
    assert found.count == 4
    assert "4 by 5 numbers" in found.how


def test_impact_knows_no_more_than_was_known_at_the_moment(
    store: Store, customers: Load, records: Write, incident: Make, start: datetime
) -> None:
    customers(20)
    lost = {HOW: "call-attempt", Q850: 38, TG: "TG9"}
    records("cdr-voip", [{CALLER: f"+{number}", **lost, "minute": number} for number in range(10, 20)])
    open_one = incident(end=None, entities=["trunk_group:TG9"])
    assert impacted(store, open_one, at=start + timedelta(minutes=14)).count == 5
    assert impacted(store, open_one).count == 10


def test_impact_of_a_trunk_group_includes_the_customers_it_serves(
    store: Store, customers: Load, records: Write, incident: Make
) -> None:
    customers(20)
    records("cdr-voip", [{CALLER: "+2", HOW: "call-attempt", Q850: 34, TG: "TG2"}])
    assert names(impacted(store, incident())) == [1, 2, 3]


@pytest.mark.parametrize(
    ("kpi", "row", "felt"),
    [
        ("voip.jitter_within_target", {"voip.calling.jitter.ms": 31.0}, True),
        ("voip.jitter_p95", {"voip.called.jitter.ms": 29.0}, False),
        ("voip.mos", {"voip.called.mos": 3.1}, True),
        ("voip.packet_loss", {"voip.calling.packets.expected": 1000, "voip.calling.packets.lost": 11}, True),
        ("voip.packet_loss", {"voip.calling.packets.expected": 1000, "voip.calling.packets.lost": 9}, False),
        ("voip.packet_loss", {"voip.calling.packets.lost": 9}, False),
        ("voip.asr", {"voip.calling.jitter.ms": 99.0}, False),
        ("voip.pdd_p95", {}, True),
    ],
)
def test_impact_of_bad_quality_is_felt_in_answered_calls(
    store: Store, customers: Load, records: Write, incident: Make, kpi: str, row: dict[str, Any], felt: bool
) -> None:
    customers(10)
    records("cdr-voip", [{CALLER: "+7", HOW: "answered", "voip.ingress.sbc": "lon-sbc", **row}])
    found = impacted(store, incident(entities=["sbc:lon-sbc"], kpis=[kpi]))
    assert names(found) == ([7] if felt else [])


def test_impact_of_an_sms_backlog_is_felt_by_who_waits(
    store: Store, customers: Load, records: Write, incident: Make
) -> None:
    customers(20)
    at = {"sms.smsc": "smsc-1"}
    records(
        "cdr-sms",
        [
            {"subscriber.msisdn": "+5", "sms.result": "delivered", "sms.delay.sec": 900.0, **at},
            {"subscriber.msisdn": "+6", "sms.result": "delivered", "sms.delay.sec": 9.0, **at},
            {"subscriber.msisdn": "+7", "sms.result": "expired", "event.outcome": "failure", **at},
            {"subscriber.msisdn": "+8", "sms.result": "pending", **at},
            {"subscriber.msisdn": "+9", "sms.result": "pending", "sms.smsc": "smsc-2"},
        ],
    )
    found = impacted(store, incident(services=["sms"], entities=["smsc:smsc-1"], kpis=["sms.delivery_ratio"]))
    assert names(found) == [5, 7, 8]


def test_impact_of_a_congested_apn_is_felt_by_who_was_released(
    store: Store, customers: Load, records: Write, incident: Make
) -> None:
    customers(20)
    for_all = {"epc.apn": "internet"}
    records(
        "cdr-epc",
        [
            {"subscriber.msisdn": "+5", "event.outcome": "failure", **for_all},
            {"subscriber.msisdn": "+6", "event.outcome": "success", **for_all},
            {"subscriber.msisdn": "+7", "event.outcome": "failure", "epc.apn": "ims"},
        ],
    )
    found = impacted(store, incident(services=["epc"], entities=["apn:internet"], kpis=["epc.abnormal_release_ratio"]))
    assert names(found) == [5]


def test_impact_of_a_silent_feed_is_every_customer_of_the_service(
    store: Store, customers: Load, records: Write, incident: Make
) -> None:
    customers(250)
    silent = incident(services=["sms"], entities=["service:sms"], kpis=["sms.volume"])
    found = impacted(store, silent)
    assert (found.count, len(found.customer_ids)) == (125, 100)
    assert found.how == "all customers of sms: no records tell which"


def test_impact_of_a_silent_feed_is_the_same_when_some_records_lie_at_its_edge(
    store: Store, customers: Load, records: Write, incident: Make, start: datetime
) -> None:
    customers(20)
    records("cdr-sms", [{"subscriber.msisdn": "+5", "sms.result": "delivered", "minute": 0}])
    silent = incident(services=["sms"], entities=["service:sms"], kpis=["sms.volume"])
    document = {"@timestamp": start.isoformat(), "incident": {"id": "I1"}, "anomaly": {"detector": "feed"}}
    store.write_all([Operation("index", store.place("anomaly"), "a1", document)])
    store.refresh("anomaly")
    assert impacted(store, silent).count == 10


@pytest.mark.parametrize(
    ("entities", "count", "words"),
    [
        (["trunk_group:TG2"], 3, "no records came"),
        (["trunk_group:TG7"], 0, "nobody known"),
        ([], 0, "nobody known: no records of no place came"),
        (["sbc:nowhere"], 0, "nobody known"),
        (["service:fax"], 10, "all customers of voip"),
    ],
)
def test_impact_says_what_it_does_not_know_when_there_are_no_records(
    store: Store, customers: Load, incident: Make, entities: list[str], count: int, words: str
) -> None:
    customers(10)
    found = impacted(store, incident(entities=entities))
    assert found.count == count
    assert words in found.how


def test_impact_counts_nobody_twice_when_keys_come_in_several_requests(
    store: Store, customers: Load, records: Write, incident: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("servicedesk.impact._TERMS", 3)
    customers(20)
    lost = {HOW: "call-attempt", Q850: 38, TG: "TG9"}
    records("cdr-voip", [{CALLER: f"+{n}", CALLEE: f"+{n + 1}", **lost} for n in range(1, 19)])
    assert impacted(store, incident(entities=["trunk_group:TG9"])).count == 19


@pytest.mark.parametrize("kind", ENTITY_TYPES)
def test_every_entity_type_has_its_place_in_records(store: Store, kind: str) -> None:
    """And every place takes its query: field names are those of the contract."""
    found = places(Entity(kind, "voip" if kind in ("service", "feed") else "x"), SERVICES)
    assert found
    for place in found:
        condition = bad(place.source, ["voip.asr", "voip.mos"], store.settings)
        where = " OR ".join(f'{field} == "x"' for field in place.fields) or "true"
        store.esql(f"FROM {place.source} | WHERE ({where}) AND ({condition}) | STATS n = COUNT(*)")
