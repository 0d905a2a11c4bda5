"""KPIs of the registry: what is laid over a shipped one is judged, and what people, collectors and the desk keep."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.clock import epoch_ms
from contracts.indices import KPI_INDEX
from detectors import detect, service_states, train
from detectors.adapter import tracked_kpis
from detectors.reading import baseline_hours
from infrastructure.store import Store
from kpis.entering import Wanted, enter
from kpis.tracking import Tracked, load
from kpis.tracking.editing import define, lay_over, retire
from kpis.tracking.points import Value, sampled, write

WHO = {"by": "anna", "why": "a test"}
WEEKS = 8
SHIFT = datetime(2026, 11, 16, tzinfo=UTC)  # a Monday
UNTIL = SHIFT + timedelta(days=3)
START = SHIFT - timedelta(weeks=WEEKS)
OFFICE = "region:north"


def _usual(moment: datetime, level: float = 1.0) -> float:
    """A day's curve with a little of everything; no dice, so that the test says the same each time."""
    wave = math.sin((moment.hour - 6) * math.pi / 12)
    noise = math.sin(epoch_ms(moment) / 3_600_000 * 2.399963) + math.sin(epoch_ms(moment) / 3_600_000 * 1.13)
    return round(level * (40.0 + 12.0 * wave) + noise, 3)


def _buckets(step: timedelta, until: datetime = UNTIL, since: datetime = START) -> Iterator[datetime]:
    moment = since
    while moment < until:
        yield moment
        moment += step


def _own(store: Store, name: str, source: dict[str, Any], schedule: str) -> Tracked:
    content = {"id": name, "name": f"People waiting ({name})", "unit": "people", "bad": "high", "source": source}
    define(store, content | {"schedule": [schedule]}, **WHO)
    return load(store).find(name)


def _anomalies(store: Store, kpi: str) -> list[dict[str, Any]]:
    store.refresh("anomaly")
    hits = store.scan("anomaly", {"bool": {"filter": [{"term": {"kpi.id": kpi}}]}})
    return [hit["_source"] for hit in hits if hit["_source"]["anomaly"]["status"] != "withdrawn"]


def _judged(store: Store) -> None:
    store.refresh(*KPI_INDEX.values())
    train(store, until=SHIFT, weeks=WEEKS)
    detect(store, since=SHIFT, until=UNTIL, now=UNTIL)


def _level(moment: datetime) -> float:
    return 1.8 if moment >= SHIFT + timedelta(hours=9) else 1.0


def test_hourly_values_that_people_enter_are_learned_and_judged(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "clock", lambda: UNTIL)
    one = _own(store, "office.queue", {"kind": "manual"}, "1h")
    young = _own(store, "office.young", {"kind": "manual"}, "1h")
    hours = list(_buckets(timedelta(hours=1)))
    enter(store, [Wanted(one, OFFICE, each, _usual(each, _level(each))) for each in hours], **WHO)
    enter(store, [Wanted(young, OFFICE, each, 5.0) for each in hours if each >= SHIFT - timedelta(days=3)], **WHO)
    store.refresh(*KPI_INDEX.values())
    report = train(store, until=SHIFT, weeks=WEEKS)
    assert report.by_resolution == {3600: 1}
    assert report.insufficient == (f"office.young of {OFFICE}",)
    expected = baseline_hours(store, one.id, _entity(OFFICE))
    assert len(expected) == 168
    assert {hour["expected"] for hour in expected} != {expected[0]["expected"]}
    detect(store, since=SHIFT, until=UNTIL, now=UNTIL)
    (found,) = _anomalies(store, one.id)
    assert SHIFT + timedelta(hours=8) <= datetime.fromisoformat(found["event"]["start"]) <= SHIFT + timedelta(hours=12)
    assert found["anomaly"]["detector"] == "baseline"
    assert "People waiting" in found["anomaly"]["reason"]
    assert _anomalies(store, young.id) == []
    assert service_states(store) == []


def _entity(text: str) -> Any:
    from contracts.entities import Entity

    return Entity.parse(text)


def test_collected_gauge_is_continuous_and_judged_by_the_hour(store: Store) -> None:
    source = {"kind": "prometheus", "url": "http://127.0.0.1:9/", "query": "sum(up)"}
    one = _own(store, "site.waiting", source, "1h")
    (kpi,) = [each for each in tracked_kpis(load(store).active()) if each.id == one.id]
    assert (kpi.model, kpi.finest_sec, kpi.as_stored) == ("continuous", 3600, True)
    values = [
        sampled("network:all", epoch_ms(each), _usual(each, _level(each))) for each in _buckets(timedelta(hours=1))
    ]
    write(store, one, values, 3600, UNTIL)
    _judged(store)
    assert [row["entity"]["id"] for row in _anomalies(store, one.id)] == ["all"]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_service_desk_is_judged_by_the_day_where_few_tickets_come(
    store: Store, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two answers a day are too few for an hour; the days are read as they are stored."""
    monkeypatch.setattr(store, "settings", store.settings.with_values(network_timezone=zone))
    one = load(store).find("desk.first_response_time")
    team = "team:first-level"

    def point(moment: datetime, count: int) -> Value:
        minutes = (30.0 + moment.day % 5) * (12.0 if moment >= SHIFT else 1.0)
        return Value(team, epoch_ms(moment), minutes, minutes * count, float(count), count, "ok")

    days = list(_buckets(timedelta(days=1)))
    write(store, one, [point(day + timedelta(hours=hour), 2) for day in days for hour in (9, 14)], 3600, UNTIL)
    write(store, one, [point(day, 4) for day in days], 86400, UNTIL)
    store.refresh(*KPI_INDEX.values())
    assert train(store, until=SHIFT, weeks=WEEKS).by_resolution == {86400: 1}
    detect(store, since=SHIFT, until=UNTIL + timedelta(days=1), now=UNTIL + timedelta(days=1))
    (found,) = _anomalies(store, one.id)
    assert (found["entity"]["id"], found["anomaly"]["direction"]) == ("first-level", "high")


def _ner(store: Store, share: float) -> None:
    """Trunks without a baseline: only a target can judge them."""
    one = load(store).find("voip.ner")
    values = [
        Value(f"trunk_group:{name}", epoch_ms(each), share, 1000 * share, 1000.0, 1000, "ok")
        for each in _buckets(timedelta(hours=1), since=SHIFT)
        for name in ("TG1", "TG2")
    ]
    write(store, one, values, 3600, UNTIL)
    store.refresh(*KPI_INDEX.values())


def _missed(store: Store) -> dict[str, str]:
    """Reasons by entity."""
    detect(store, since=SHIFT, until=UNTIL, now=UNTIL)
    rows = _anomalies(store, "voip.ner")
    assert {row["anomaly"]["detector"] for row in rows} <= {"threshold"}
    return {row["entity"]["id"]: row["anomaly"]["reason"] for row in rows}


def test_target_that_is_laid_over_a_shipped_kpi_is_what_is_judged(store: Store) -> None:
    _ner(store, 0.95)
    found = _missed(store)
    assert sorted(found) == ["TG1", "TG2"]
    assert "target of 0.99" in found["TG1"]
    lay_over(store, "voip.ner", {"target": {"at_least": 0.9}}, **WHO)
    assert _missed(store) == {}
    own = {"target": {"at_least": 0.9}, "entities": {"trunk_group:TG2": {"target": {"at_least": 0.98}}}}
    lay_over(store, "voip.ner", own, **WHO)
    found = _missed(store)
    assert sorted(found) == ["TG2"]
    assert "target of 0.98" in found["TG2"]
    lay_over(store, "voip.ner", {}, **WHO)
    assert sorted(_missed(store)) == ["TG1", "TG2"]


def test_retired_kpi_is_no_longer_learned_or_judged(store: Store) -> None:
    one = _own(store, "site.retired", {"kind": "manual"}, "1d")
    assert one.id in {each.id for each in tracked_kpis(load(store).active())}
    retire(store, one.id, **WHO)
    assert one.id not in {each.id for each in tracked_kpis(load(store).active())}


def test_what_detection_and_alerting_write_is_not_judged_again(store: Store) -> None:
    judged = {each.id for each in tracked_kpis(load(store).active())}
    assert {
        "network.incidents",
        "network.alerts",
        "books.files",
        "voip.failed_calls",
        "service.availability",
    } & judged == set()
    assert {"voip.ner", "desk.backlog", "tickets.opened", "usage.calls", "deployment.efficiency"} <= judged
