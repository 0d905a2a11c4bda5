"""Rolling up bit by bit, late, killed or twice ends where rolling up once does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.clock import epoch_ms, iso, parse_iso
from contracts.settings import Settings
from infrastructure.setup import empty
from infrastructure.store import ItemResult, Operation, Store
from kpis.pipeline import JOB, rollup
from tests.kpis.random_records import Document, Records, put
from tests.kpis.stored import assert_same, everything, stored

START = datetime(2026, 10, 30, 20, 0, tzinfo=UTC)
SERVICES = ("voip", "sms", "epc")


def _batches(seed: int, days: int, number: int) -> list[dict[str, list[Document]]]:
    """Records by the run that first sees them: a quarter day each, one in eight a day or more late; stamped accordingly."""
    records = Records(seed, START, days, START)
    batches: list[dict[str, list[Document]]] = [{service: [] for service in SERVICES} for _ in range(days * 4 + 1)]
    for service in SERVICES:
        for document in records.many(service, number):
            moment = parse_iso(document["@timestamp"])
            late = records.random.randint(4, 12) if records.random.random() < 0.125 else 0
            batch = min(int((moment - START) / timedelta(hours=6)) + late, len(batches) - 1)
            document["event"]["ingested"] = iso(_time(batch) - timedelta(seconds=5))
            batches[batch][service].append(document)
    return batches


def _time(batch: int) -> datetime:
    """When the run after a batch takes place: not on any bucket's edge."""
    return START + timedelta(hours=6 * (batch + 1), minutes=7, seconds=3)


def _put(store: Store, batches: Sequence[dict[str, list[Document]]]) -> None:
    for batch, documents in enumerate(batches):
        for service in SERVICES:
            put(store, service, documents[service], batch * 100_000)


def test_rollup_in_increments_equals_one_full_rollup(store: Store) -> None:
    batches = _batches(11, days=3, number=1100)
    reports = []
    for batch, documents in enumerate(batches):
        for service in SERVICES:
            put(store, service, documents[service], batch * 100_000)
        reports.append(rollup(store, now=_time(batch)))
    bit_by_bit = everything(store)
    assert reports[0].whole
    assert not any(report.whole for report in reports[1:])

    empty(store)
    _put(store, batches)
    rollup(store, now=_time(len(batches) - 1))
    at_once = everything(store)
    assert len(at_once[300]) > 1000
    for resolution, points in at_once.items():
        assert_same(bit_by_bit[resolution], points)


class _Dying(Store):
    """A store whose process is killed after some bulk requests."""

    left = 3

    def bulk(self, operations: Sequence[Operation]) -> list[ItemResult]:
        if self.left == 0:
            raise SystemExit("killed")
        type(self).left -= 1
        return super().bulk(operations)


@pytest.mark.parametrize("requests", [0, 1, 4])
def test_rollup_killed_and_run_again_equals_one_run(store: Store, sparse_settings: Settings, requests: int) -> None:
    batches = _batches(12, days=1, number=500)
    now = _time(len(batches) - 1)
    _put(store, batches)
    rollup(store, now=now)
    expected = everything(store)

    empty(store)
    _put(store, batches)
    _Dying.left = requests
    with pytest.raises(SystemExit):
        rollup(_Dying.connect(sparse_settings), now=now)
    assert store.get("job", JOB) is None
    rollup(store, now=now)
    rolled = everything(store)
    for resolution, points in expected.items():
        assert_same(rolled[resolution], points)


def test_rollup_again_writes_the_same_points_and_little_else(store: Store) -> None:
    _put(store, _batches(13, days=1, number=600))
    now = START + timedelta(days=4)
    first = rollup(store, now=now)
    before = everything(store)
    second = rollup(store, now=now + timedelta(seconds=40))
    assert second.written < first.written / 5
    after = everything(store)
    for resolution, points in before.items():
        assert_same(points, after[resolution])


def test_rollup_starts_anew_when_a_setting_changes_values(store: Store, sparse_settings: Settings) -> None:
    _put(store, _batches(14, days=1, number=400))
    now = START + timedelta(days=2)
    rollup(store, now=now)
    theirs = Store.connect(sparse_settings.with_values(kpi_ner_user_numbers=False))
    report = rollup(theirs, now=now + timedelta(minutes=1))
    assert report.whole
    before = stored(store, 86400)
    rollup(store, now=now + timedelta(minutes=2))
    again = stored(store, 86400)
    changed = {place[0] for place in before if before[place].value != again[place].value}
    assert changed == {"voip.ner"}


def _calls(moments: Sequence[datetime], ingested: datetime) -> list[dict[str, Any]]:
    trunk = {"disposition": "answered", "trunk_group": {"terminating": "TG1"}}
    return [
        {"@timestamp": iso(one), "event": {"ingested": iso(ingested)}, "service": {"name": "voip"}, "voip": trunk}
        for one in moments
    ]


def test_silence_of_a_service_is_no_data_up_to_now(store: Store) -> None:
    day = datetime(2026, 11, 2, tzinfo=UTC)
    put(store, "voip", _calls([day + timedelta(minutes=2 * one) for one in range(360)], day))
    now = day + timedelta(hours=15, minutes=1)
    rollup(store, now=now)
    points = stored(store, 300)
    silent = [place for place, point in points.items() if point.state == "no_data"]
    assert {place[0] for place in silent} == {"voip.attempts"}
    assert {place[1] for place in silent} == {"service:voip", "trunk_group:TG1"}
    hours = {iso(datetime.fromtimestamp(place[2] / 1000, UTC))[11:16] for place in silent}
    assert (min(hours), max(hours), len(hours)) == ("12:00", "14:55", 36)

    rollup(store, now=now + timedelta(days=9))  # silent for longer than a series stays known
    later = [place[2] for place, point in stored(store, 3600).items() if point.state == "no_data"]
    assert datetime.fromtimestamp(max(later) / 1000, UTC) == day + timedelta(days=7, hours=23)


def test_silence_of_one_entity_is_zero_while_its_feed_delivers(store: Store) -> None:
    day = datetime(2026, 11, 2, tzinfo=UTC)
    calls = _calls([day + timedelta(minutes=2 * one) for one in range(360)], day)
    for call in calls[180:]:
        call["voip"] = {"disposition": "answered", "trunk_group": {"terminating": "TG2"}}
    put(store, "voip", calls)
    rollup(store, now=day + timedelta(hours=12))
    points = stored(store, 3600)
    assert points["voip.attempts", "trunk_group:TG1", int(day.timestamp() + 8 * 3600) * 1000].value == 0
    assert points["voip.attempts", "trunk_group:TG1", int(day.timestamp() + 5 * 3600) * 1000].value == 30
    assert {point.state for point in points.values()} == {"ok"}


def test_delivery_is_judged_only_when_the_time_allowed_is_over(store: Store) -> None:
    day = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
    messages = [
        {
            "@timestamp": iso(day + timedelta(seconds=10 * one)),
            "event": {"ingested": iso(day)},
            "service": {"name": "sms"},
            "mobile": {"call_type": "SMS-MO"},
            "sms": {"result": "delivered", "delay": {"sec": 4.0}},
        }
        for one in range(360)
    ]
    put(store, "sms", messages)
    place = "sms.delivery_ratio", "service:sms"
    rollup(store, now=day + timedelta(minutes=12))
    judged = [key[2] for key in stored(store, 300) if key[:2] == place]
    assert max(judged) == int(day.timestamp()) * 1000
    rollup(store, now=day + timedelta(minutes=70))
    judged = [key[2] for key in stored(store, 300) if key[:2] == place]
    assert len(judged) == 12
    assert [stored(store, 3600)[key].denominator for key in stored(store, 3600) if key[:2] == place] == [360]


def test_points_of_records_that_were_dropped_do_not_shrink_when_late_ones_come(store: Store) -> None:
    """October's partition is gone (retention). One late record of it must not make its bucket 1, nor the buckets beside it 0."""
    hour = datetime(2026, 10, 15, 10, tzinfo=UTC)

    def messages(count: int, moment: datetime, first: int) -> None:
        records = Records(first, moment, 0.01, store.clock())
        common = {"mobile": {"call_type": "SMS-MO"}, "subscriber": {"plan": "PLAN1"}}
        rows = [{**records.sms(), **common, "@timestamp": iso(moment)} for _ in range(count)]
        put(store, "sms", rows, first)

    for number, minutes in enumerate((0, 30, 60, 90)):
        messages(50, hour + timedelta(minutes=minutes), number * 100)
    messages(40, hour + timedelta(days=20), 1000)
    rollup(store)
    before = everything(store)
    store.exchange.ask("DELETE", f"/{store.place('cdr-sms', hour)}")
    messages(1, hour + timedelta(minutes=30), 2000)
    messages(2, hour + timedelta(minutes=180), 2100)
    messages(2, hour + timedelta(days=20), 2200)
    for _ in range(2):
        rollup(store)
    after = everything(store)
    place = "sms.volume", "service:sms"
    for resolution in (300, 3600, 86400):
        october = epoch_ms(hour) + 86_400_000
        old = {key: point for key, point in before[resolution].items() if key[2] < october and point.samples}
        assert sum(point.samples for key, point in old.items() if key[:2] == place) == 200
        assert {key: after[resolution][key] for key in old} == old
    assert after[3600][*place, epoch_ms(hour + timedelta(hours=3))].samples == 2
    assert after[86400][*place, epoch_ms(datetime(2026, 11, 4, tzinfo=UTC))].samples == 42
