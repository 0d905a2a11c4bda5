"""Reports against figures worked out in plain Python from the same records, in zones with odd offsets and changing clocks."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.errors import DefinitionError, UserError
from contracts.settings import read
from tests.usage.usage_samples import call, days, logged, message, people, session
from usage.analytics.peak_hours import WEEKDAYS
from usage.analytics.period import Period
from usage.analytics.pipeline import REPORTS, Wanted, report
from usage.analytics.report import Report
from usage.engine import UsageStore
from usage.render import as_dict
from usage.tariffs import load_tariffs, read_tariffs

TARIFFS = load_tariffs(read({}))
SPRING = datetime(2026, 3, 20, tzinfo=UTC)  # the clocks of Berlin change on the 29th
# Whole days, odd minutes, within one quarter hour; east, west, and off by 45 minutes.
PERIODS = [
    days("2026-03-21", "2026-04-04", "Europe/Berlin"),
    days("2026-03-22", "2026-04-02", "Asia/Kathmandu"),
    days("2026-03-25T07:03:11", "2026-03-31T21:44:59", "America/St_Johns"),
    days("2026-03-25T10:01", "2026-03-25T10:02", "UTC"),
]


class Sample:
    """Random records, and what they are, for counting in Python."""

    def __init__(self, store: UsageStore, count: int = 240) -> None:
        dice = random.Random(7)
        people(store, 5)
        self.records: list[dict[str, Any]] = []
        for number in range(count):
            kind = dice.choice(("call", "sms", "data"))
            started = SPRING + timedelta(seconds=dice.randrange(16 * 86_400), milliseconds=dice.randrange(1000))
            who = f"C{1 + min(dice.randrange(6), dice.randrange(5))}" if number % 7 else "C1"
            zone = dice.choice(("national", "national", "international", "roaming"))
            more = {"ref": str(number), "zone": zone, "plan": dice.choice(("", "PLAN3", "GOLD"))}
            if kind == "call":
                seconds = dice.choice((0, 1, 59, 60, 61, 3723))
                answered = seconds > 0 or dice.random() < 0.5
                more |= {
                    "direction": dice.choice(("made", "received")),
                    "outcome": "answered" if answered else "unanswered",
                }
                given = call(who, started.isoformat(), str(seconds)) | more
            elif kind == "sms":
                result = dice.choice(("delivered", "failed"))
                more |= {
                    "direction": dice.choice(("made", "received")),
                    "result": result,
                    "parts": str(dice.randint(1, 3)),
                }
                given = message(who, started.isoformat()) | more
            else:
                given = session(who, started.isoformat(), str(dice.randrange(10**7)), str(dice.randrange(10**9)))
                given |= more | {"final": dice.choice(("yes", "no"))}
            logged(store, kind, given)
            self.records.append(
                given | {"kind": kind, "at": started.replace(microsecond=started.microsecond // 1000 * 1000)}
            )

    def within(self, period: Period) -> list[dict[str, Any]]:
        return [each for each in self.records if period.start <= each["at"] < period.end]


def events(record: dict[str, Any]) -> int:
    return int(record["kind"] != "data" or record["final"] == "yes")


def volume(record: dict[str, Any]) -> int:
    return int(record["uplink"]) + int(record["downlink"]) if record["kind"] == "data" else 0


def cells(found: Report, *names: str) -> list[tuple[Any, ...]]:
    at = [[column.name for column in found.columns].index(name) for name in names]
    return [tuple(row[position] for position in at) for row in found.rows]


def named_plan(record: dict[str, Any]) -> str:
    return record["plan"] or f"PLAN{2 - int(record['customer'][1:]) % 2}"


def test_reports_say_what_the_records_say(usage_store: UsageStore) -> None:
    sample = Sample(usage_store)
    for period in PERIODS:
        records = sample.within(period)
        _network(usage_store, period, records)
        _peak_hours(usage_store, period, records)
        _trend(usage_store, period, records)
        _top_and_customers(usage_store, period, records)
        _plans(usage_store, period, records)
        _activity(usage_store, period, records, sample.within(period.before))
        _revenue(usage_store, period, records)


def _network(store: UsageStore, period: Period, records: list[dict[str, Any]]) -> None:
    found = {row[0]: row[2] for row in report(store, "network", period, TARIFFS).rows}
    voice = [each for each in records if each["kind"] == "call"]
    answered = [each for each in voice if each["outcome"] == "answered"]
    assert found["calls"] == len(voice)
    assert found["answered calls"] == len(answered)
    assert found["call time"] == 1000 * sum(int(each["duration"]) for each in voice)
    assert found["delivered sms"] == sum(each.get("result") == "delivered" for each in records)
    assert found["data sessions"] == sum(each.get("final") == "yes" for each in records)
    assert found["data up"] + found["data down"] == sum(map(volume, records))
    assert found["active customers"] == len({each["customer"] for each in records})


def test_network_tells_no_change_against_time_before_the_first_record(usage_store: UsageStore) -> None:
    """Calls were there all through the week before, SMS from its last hour on, data sessions only after it."""
    people(usage_store)
    logged(usage_store, "call", *(call("C1", f"2026-11-{day:02d}T00:10:00Z") for day in range(1, 15)))
    logged(usage_store, "sms", *(message("C1", f"2026-11-{day:02d}T23:10:00Z") for day in range(7, 15)))
    logged(usage_store, "data", session("C1", "2026-11-09T10:00:00Z"))
    found = report(usage_store, "network", days("2026-11-08", "2026-11-15"), TARIFFS)
    changes = dict(cells(found, "measure", "change"))
    assert changes["calls"] == 0
    assert [changes[name] for name in ("sms", "delivered sms", "data sessions", "active customers")] == [None] * 4
    assert found.notes[1:] == (
        "no change where the period before (2026-11-01 00:00 on) begins before the first record: "
        "SMS from 2026-11-07 23:10, data sessions from 2026-11-09 10:00",
    )
    later = report(usage_store, "network", days("2026-11-13T00:00", "2026-11-15"), TARIFFS)
    assert dict(cells(later, "measure", "change"))["sms"] == 0
    assert len(later.notes) == 1


def _peak_hours(store: UsageStore, period: Period, records: list[dict[str, Any]]) -> None:
    by_hour: Counter[str] = Counter()
    by_day: Counter[str] = Counter()
    for each in records:
        local = each["at"].astimezone(period.zone)
        by_hour[f"{local:%H}:00"] += events(each)
        by_day[WEEKDAYS[local.weekday()]] += events(each)
    for by, expected in (("hour", by_hour), ("weekday", by_day)):
        found = report(store, "peak-hours", period, TARIFFS, Wanted(by=by))
        counted = {row[0]: sum(row[1:]) for row in cells(found, by, "calls", "sms", "sessions")}
        assert counted == {slot: expected[slot] for slot in counted}
        assert sum(counted.values()) == sum(expected.values())
    of_one = report(store, "peak-hours", period, TARIFFS, Wanted(by="hour-of-week", customer="C1"))
    week = {row[0]: sum(row[1:]) for row in cells(of_one, "hour_of_week", "calls", "sms", "sessions")}
    expected_week: Counter[str] = Counter()
    for each in records:
        local = each["at"].astimezone(period.zone)
        expected_week[f"{WEEKDAYS[local.weekday()][:3]} {local:%H}:00"] += events(each) * (each["customer"] == "C1")
    assert {slot: count for slot, count in week.items() if count} == +expected_week


def _trend(store: UsageStore, period: Period, records: list[dict[str, Any]]) -> None:
    for step in ("day", "week", "month"):
        expected: Counter[str] = Counter()
        for each in records:
            day = each["at"].astimezone(period.zone).date()
            first = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[step]
            expected[first.isoformat()] += volume(each)
        found = dict(cells(report(store, "trend", period, TARIFFS, Wanted(by=step)), "from", "data"))
        assert {first: value for first, value in found.items() if value} == +expected


def _top_and_customers(store: UsageStore, period: Period, records: list[dict[str, Any]]) -> None:
    minutes: Counter[str] = Counter()
    for each in records:
        if each["kind"] == "call":
            minutes[each["customer"]] += int(each["duration"]) * 1000
    found = cells(report(store, "top", period, TARIFFS, Wanted(by="minutes", limit=3)), "customer", "call_time")
    expected = sorted(((who, ms) for who, ms in minutes.items() if ms), key=lambda row: (-row[1], row[0]))
    assert found == expected[:3]
    for by in ("calls", "minutes", "sms", "data", "sessions"):
        shares = [row[0] for row in cells(report(store, "top", period, TARIFFS, Wanted(by=by, limit=9)), "share")]
        assert not shares or sum(shares) == pytest.approx(1)
    everybody = cells(report(store, "customer", period, TARIFFS, Wanted(limit=9)), "customer", "data")
    volumes: dict[str, int] = defaultdict(int)
    for each in records:
        volumes[each["customer"]] += volume(each)
    assert everybody == sorted(volumes.items())
    rest = cells(report(store, "customer", period, TARIFFS, Wanted(limit=2, after="C1")), "customer")
    assert rest == [row[:1] for row in everybody if row[0] > "C1"][:2]


def _plans(store: UsageStore, period: Period, records: list[dict[str, Any]]) -> None:
    found = cells(report(store, "plans", period, TARIFFS), "plan", "customers", "calls", "data")
    expected = {"PLAN1": [3, 0, 0], "PLAN2": [2, 0, 0]}
    for each in records:
        row = expected.setdefault(named_plan(each), [0, 0, 0])
        row[1] += each["kind"] == "call"
        row[2] += volume(each)
    assert {row[0]: list(row[1:]) for row in found} == expected


def _activity(store: UsageStore, period: Period, now: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    counts = {who: (_used(now, who), _used(before, who)) for who in (f"C{number}" for number in range(1, 6))}
    for state in ("active", "new", "silent", "at risk", "never used"):
        found = cells(
            report(store, "activity", period, TARIFFS, Wanted(state=state)), "customer", "events", "events_before"
        )
        expected = {who: pair for who, pair in counts.items() if _state(*pair) == state}
        assert {row[0]: row[1:] for row in found} == expected
    notes = report(store, "activity", period, TARIFFS).notes[0]
    for state in ("active", "new", "silent", "at risk", "never used"):
        assert f"{state} {sum(_state(*pair) == state for pair in counts.values())}" in notes


def _used(records: list[dict[str, Any]], who: str) -> int:
    return sum(events(each) for each in records if each["customer"] == who)


def _state(now: int, before: int) -> str:
    if now == 0:
        return "silent" if before else "never used"
    if before == 0:
        return "new"
    return "at risk" if before >= 5 and now * 2 < before else "active"


def _revenue(store: UsageStore, period: Period, records: list[dict[str, Any]]) -> None:
    expected = sum((_price(each) for each in records), Decimal(0))
    found = report(store, "revenue", period, TARIFFS)
    assert found.totals["amount"] == expected
    charges = [
        report(store, "customer", period, TARIFFS, Wanted(customer=f"C{number}")).totals["charge"]
        for number in range(1, 6)
    ]
    assert sum(Decimal(str(each)) for each in charges) == expected


def _price(record: dict[str, Any]) -> Decimal:
    """By the shipped table, said again in Python."""
    shipped = {
        "PLAN1": ("0.08 0.35 0.19 0.05", 60, "0.07 0.15 0.12", "0.0025 0.0025 0.012"),
        "PLAN2": ("0.05 0.25 0.15 0.03", 60, "0.05 0.12 0.1", "0.0015 0.0015 0.008"),
        "PLAN3": ("0.0006 0.0035 0.002 0.0004", 1, "0.03 0.09 0.08", "0.0009 0.0009 0.005"),
        "GOLD": ("0.09 0.29 0.19 0.05", 60, "0.09 0.19 0.12", "0.002 0.002 0.01"),
    }
    voice, unit, sms, data = shipped[named_plan(record)]
    at = ("national", "international", "roaming").index(record["zone"])
    if record["kind"] == "data":
        return Decimal(data.split()[at]) * volume(record) / 10**6
    if record["direction"] == "received":
        if record["kind"] == "sms" or record["zone"] != "roaming":
            return Decimal(0)
        at = 3
    if record["kind"] == "sms":
        return Decimal(sms.split()[at]) * int(record["parts"])
    return Decimal(voice.split()[at]) * -(-int(record["duration"]) // unit)


def test_reports_of_an_empty_store_have_rows_or_say_so(usage_store: UsageStore) -> None:
    people(usage_store, 1)
    for name in REPORTS:
        found = report(usage_store, name, days("2026-03-01", "2026-03-02"), TARIFFS)
        assert all(len(row) == len(found.columns) for row in found.rows)
        assert as_dict(found)["report"] == name


def test_revenue_follows_a_tariff_that_changes_at_local_midnight(usage_store: UsageStore, tmp_path: Path) -> None:
    people(usage_store, 1)
    table = tmp_path / "tariffs.yml"
    table.write_text(
        "currency: GBP\ntariffs:\n"
        "  - {from: 2026-03-02, plans: {PLAN1: {voice: {per: minute, national: 0.10}}}}\n"
        "  - {from: 2026-03-03, plans: {PLAN1: {voice: {per: minute, national: 0.20}}}}\n"
    )
    for at in (
        "2026-03-01 12:00",
        "2026-03-02 22:59",
        "2026-03-02 23:00",
    ):  # the last two: before and at midnight in Berlin
        logged(usage_store, "call", call("C1", at, "60"))
    found = report(usage_store, "revenue", days("2026-03-01", "2026-03-04", "Europe/Berlin"), read_tariffs(table))
    assert found.totals["amount"] == Decimal("0.30")
    assert "no tariff, so counted as nothing: plan PLAN1" in found.notes
    assert found.currency == "GBP"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "is no mapping"),
        ("currency: EUR", "tariffs is missing"),
        ("currency: euros\ntariffs: [{from: 2026-01-01, plans: {a: {}}}]", "ISO 4217"),
        ("currency: EUR\ntariffs: [{from: soon, plans: {a: {}}}]", "is not a day"),
        ("currency: EUR\ntariffs: [{from: 2026-01-01, plans: {a: {fax: {}}}}]", "unknown key 'fax'"),
        ("currency: EUR\ntariffs: [{from: 2026-01-01, plans: {a: {sms: {national: -1}}}}]", "is not a price"),
        ("currency: EUR\ntariffs: [{from: 2026-01-01, plans: {a: {sms: {national: NaN}}}}]", "is not a price"),
        ("currency: EUR\ntariffs: [{from: 2026-01-01, plans: {a: {sms: {national: 1e-99}}}}]", "is not a price"),
        ("currency: EUR\ntariffs: [{from: 2026-01-01, plans: {a: {voice: {per: mile}}}}]", "is not one of minute"),
        (
            "currency: EUR\ntariffs: [{from: 2026-01-01, plans: {a: {}}}, {from: 2026-01-01, plans: {a: {}}}]",
            "same day",
        ),
        ("!!python/object/apply:os.system [echo]", "tariffs"),
        ("a: [", "cannot be read"),
    ],
)
def test_tariff_table_that_is_wrong_is_refused_with_place_and_reason(tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "tariffs.yml"
    table.write_text(text)
    with pytest.raises(DefinitionError, match=words) as refused:
        read_tariffs(table)
    assert str(table) in str(refused.value)


def test_report_refuses_what_it_does_not_know(one_store: UsageStore) -> None:
    period = days("2026-03-01", "2026-03-02")
    for name, wanted in (
        ("sales", Wanted()),
        ("top", Wanted(by="'; --")),
        ("trend", Wanted(by="century")),
        ("peak-hours", Wanted(by="minute")),
        ("activity", Wanted(state="bored")),
        ("customer", Wanted(customer="C1' OR '1'='1")),
    ):
        with pytest.raises(UserError):
            report(one_store, name, period, TARIFFS, wanted)
    with pytest.raises(UserError, match="before it starts"):
        Period.of(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), ZoneInfo("UTC"))
    with pytest.raises(UserError, match="50 years"):
        Period.of(datetime(1900, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
