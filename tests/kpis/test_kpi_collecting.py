"""The collecting job on a real Elasticsearch: counted there, formulas over it, gaps, and sources that fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.clock import iso
from contracts.errors import StoreUnavailable
from contracts.settings import Settings
from infrastructure.store import Operation, Store
from kpis.collecting import collect, gaps
from kpis.collecting import pipeline as collecting
from kpis.collecting.fetching import Fetcher
from kpis.tracking import load
from kpis.tracking.editing import define
from kpis.tracking.points import Value, write
from tests.kpis.outside import serving
from tests.kpis.random_records import Records, put

NOW = datetime(2026, 11, 20, 12, 3, tzinfo=UTC)
DAY = timedelta(days=1)
WHO = {"by": "anna", "why": "a test"}


def _incident(
    store: Store, key: str, start: datetime, hours: float, severity: int, status: str = "closed"
) -> Operation:
    source = {
        "event": {
            "start": iso(start), "end": iso(start + timedelta(hours=hours)), "severity": severity, "ingested": iso(store.clock()),
        },
        "incident": {"id": key, "status": status, "services": ["voip"], "detected": iso(start + timedelta(minutes=10))},
    }  # fmt: skip
    return Operation("index", store.place("incident"), key, source)


def _values(store: Store, name: str, resolution: int = 86400) -> dict[tuple[str, str], Any]:
    index = {300: "kpi-5m", 3600: "kpi-1h", 86400: "kpi-1d"}[resolution]
    store.refresh(index)
    return {
        (str(hit["_source"]["entity"]["id"]), hit["_source"]["@timestamp"][:16]): hit["_source"]["kpi"]
        for hit in store.scan(index, {"term": {"kpi.id": name}})
    }


def test_incidents_are_counted_taken_back_and_quiet_days_are_zero(store: Store) -> None:
    first = datetime(2026, 11, 15, 8, tzinfo=UTC)
    rows = [("a", first, 2.0, 1), ("b", first + 2 * DAY, 4.0, 2), ("c", first + 2 * DAY, 1.0, 1)]
    store.write_all([_incident(store, *row) for row in rows])
    names = ["network.incidents", "network.critical_incidents", "network.restore_time", "network.detect_time"]
    collect(store, only=names, now=NOW)
    counts = _values(store, "network.incidents")
    assert [counts["all", f"2026-11-{day}T00:00"]["value"] for day in (15, 16, 17, 18, 19)] == [1, 0, 2, 0, 0]
    assert counts["voip", "2026-11-17T00:00"]["value"] == 2 and ("voip", "2026-11-16T00:00") not in counts
    assert ("all", "2026-11-20T00:00") not in counts  # a day that is not over
    restored = _values(store, "network.restore_time")["all", "2026-11-17T00:00"]
    assert (restored["value"], restored["numerator"], restored["denominator"]) == (150, 300, 2)
    assert _values(store, "network.detect_time")["all", "2026-11-15T00:00"]["value"] == 10
    before = _values(store, "network.incidents")
    assert collect(store, only=names, now=NOW).failed == {}
    assert _values(store, "network.incidents").keys() == before.keys()
    wrong = [("b", first + 2 * DAY, 4.0, 2), ("a", first, 2.0, 1)]
    store.write_all([_incident(store, *row, "withdrawn") for row in wrong])
    collect(store, only=names, now=store.clock() + timedelta(minutes=1), until=NOW)
    counts = _values(store, "network.incidents")
    assert counts["all", "2026-11-17T00:00"]["value"] == 1 and counts["all", "2026-11-15T00:00"]["value"] == 0


def test_formula_by_zero_is_not_measurable_and_without_data_says_so(store: Store) -> None:
    epc = {name: load(store).find(name) for name in ("epc.volume", "epc.sessions")}
    for name, numbers in {"epc.volume": (1000.0, 500.0, 7.0), "epc.sessions": (10.0, 0.0, None)}.items():
        values = [
            Value("service:epc", round(datetime(2026, 11, 16 + day, tzinfo=UTC).timestamp()) * 1000, number, None, None, 5,
                  "no_data" if number is None else "ok")
            for day, number in enumerate(numbers)
        ]  # fmt: skip
        write(store, epc[name], values, 86400, store.clock())
    define(store, {
        "id": "own.double", "name": "Of a formula", "unit": "bytes", "bad": "both", "schedule": ["1d"],
        "source": {"kind": "formula", "formula": "epc.volume_per_session * 2"},
    }, **WHO)  # fmt: skip
    collect(store, only=["own.double", "epc.volume_per_session"], now=NOW)
    found = _values(store, "epc.volume_per_session")
    assert [found["epc", f"2026-11-{day}T00:00"].get("value") for day in (16, 17, 18)] == [100, None, None]
    assert [found["epc", f"2026-11-{day}T00:00"]["state"] for day in (16, 17, 18)] == [
        "ok",
        "not_measurable",
        "no_data",
    ]
    assert _values(store, "own.double")["epc", "2026-11-16T00:00"]["value"] == 200


def test_source_that_fails_is_told_leaves_a_gap_and_goes_on(store: Store, node_settings: Settings) -> None:
    up = True

    def answer(*_: object) -> tuple[int, bytes]:
        return (200, orjson.dumps({"x": 4})) if up else (500, b"")

    with serving(answer) as outside:
        for name, url in (("own.up", outside.url), ("own.forbidden", "http://10.0.0.1/")):
            source = {"kind": "http", "url": url, "pointer": "/x"}
            define(store, {"id": name, "name": name, "unit": "1", "bad": "high", "source": source}, **WHO)
        fetcher = Fetcher(node_settings.with_values(kpi_collect_hosts="127.0.0.1"), tries=2, sleep=lambda _: None)
        for step in range(6):
            up = step not in (2, 3)
            report = collect(
                store, only=["own.up", "own.forbidden"], now=NOW + timedelta(minutes=5 * step), fetcher=fetcher
            )
            assert ("own.up" in report.failed) == (not up)
            assert "kpi.collect.hosts" in report.failed["own.forbidden"]
    found = _values(store, "own.up", 300)
    assert [row.get("value") for _, row in sorted(found.items())] == [4, 4, None, None, 4, 4]
    assert found["all", "2026-11-20T12:05"]["state"] == "no_data"
    one = load(store).find("own.up")
    start = datetime(2026, 11, 20, 11, 55, tzinfo=UTC)
    (gap,) = gaps(store, one, "network:all", start, start + timedelta(minutes=30), 300)
    assert gap.buckets == 2 and gap.start == datetime(2026, 11, 20, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize("how", ["killed", "away"])
def test_collection_that_is_cut_between_asking_and_writing_is_done_again_once(
    store: Store, node_settings: Settings, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """kill -9 of the process, and Elasticsearch gone meanwhile: no bucket that the source knows is lost, none is doubled."""
    moment = datetime(2026, 11, 18, 22, tzinfo=UTC)
    trouble: type[BaseException] = SystemExit if how == "killed" else StoreUnavailable
    real = collecting.write

    def cut(*arguments: Any) -> int:
        list(arguments[2])  # the source was asked
        raise trouble("gone")

    with serving(lambda _method, path, _headers: (200, _vector(path))) as outside:
        source = {"kind": "prometheus", "url": outside.url, "query": "load"}
        define(store, {"id": "own.load", "name": "Load", "unit": "1", "bad": "high", "source": source}, **WHO)
        fetcher = Fetcher(node_settings.with_values(kpi_collect_hosts="127.0.0.1"), sleep=lambda _: None)

        def run(minutes: int) -> None:
            collect(store, only=["own.load"], now=moment + timedelta(minutes=minutes), fetcher=fetcher)

        run(3)
        monkeypatch.setattr(collecting, "write", cut)
        with pytest.raises(trouble):
            run(33)
        monkeypatch.setattr(collecting, "write", real)
        run(63)
        run(63)
    fine, hours = (_values(store, "own.load", step) for step in (300, 3600))
    assert len(fine) == 13
    assert (hours["all", "2026-11-18T22:00"]["samples"], hours["all", "2026-11-18T22:00"]["state"]) == (12, "ok")
    assert gaps(store, load(store).find("own.load"), "network:all", moment, moment + timedelta(hours=1), 300) == []


def test_points_outlive_their_records_when_late_ones_come(store: Store) -> None:
    """The partition of June was dropped: what is counted anew from one late record does not overwrite what was there."""
    day, now = datetime(2026, 6, 15, tzinfo=UTC), store.clock()
    content = {"id": "own.messages", "name": "Messages", "unit": "messages", "bad": "low", "schedule": ["1d"], "source": {
        "kind": "store", "index": "cdr-sms", "time": "@timestamp", "measure": "count", "numerator": "COUNT(*)", "zero": True,
        "entities": {"network": ""},
    }}  # fmt: skip
    define(store, content, **WHO)

    def messages(count: int, moment: datetime, first: int) -> None:
        stamped = Records(first, moment, 0.5, store.clock())
        put(store, "sms", [{**stamped.sms(), "@timestamp": iso(moment)} for _ in range(count)], first)
        store.refresh("cdr-sms")

    messages(20, day, 0)
    messages(9, day + 40 * DAY, 100)
    collect(store, only=["own.messages"], now=now)
    store.exchange.ask("DELETE", f"/{store.place('cdr-sms', day)}")
    messages(1, day, 200)
    messages(3, day + 2 * DAY, 300)
    messages(1, day + 40 * DAY, 400)
    collect(store, only=["own.messages"], now=now + DAY)
    found = _values(store, "own.messages")
    assert [found["all", f"2026-{each}T00:00"]["value"] for each in ("06-15", "06-17", "07-25")] == [20, 3, 10]


def test_five_minutes_become_hours_and_days_by_their_parts(store: Store, node_settings: Settings) -> None:
    moment = datetime(2026, 11, 18, 22, tzinfo=UTC)
    with serving(lambda _method, path, _headers: (200, _vector(path))) as outside:
        source = {"kind": "prometheus", "url": outside.url, "query": "load"}
        define(store, {"id": "own.load", "name": "Load", "unit": "1", "bad": "high", "source": source}, **WHO)
        fetcher = Fetcher(node_settings.with_values(kpi_collect_hosts="127.0.0.1"), sleep=lambda _: None)
        for minutes in (3, 63, 123, 183):
            collect(store, only=["own.load"], now=moment + timedelta(minutes=minutes), fetcher=fetcher)
    fine, hours, days = (_values(store, "own.load", step) for step in (300, 3600, 86400))
    assert len(fine) == 37
    for hour in ("2026-11-18T22", "2026-11-18T23", "2026-11-19T00"):
        inside = [row["value"] for (_, time), row in fine.items() if time.startswith(hour)]
        assert hours["all", f"{hour}:00"]["value"] == pytest.approx(sum(inside) / len(inside))
        assert hours["all", f"{hour}:00"]["samples"] == 12
    before_midnight = [row["value"] for (_, time), row in fine.items() if time.startswith("2026-11-18")]
    assert days["all", "2026-11-18T00:00"]["value"] == pytest.approx(sum(before_midnight) / len(before_midnight))


def _vector(path: str) -> bytes:
    moment = float(path.split("time=")[1])
    rows = [{"metric": {}, "value": [moment, str(moment % 7919)]}]
    return orjson.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}})


def test_file_is_read_when_it_changes_and_refused_whole_for_one_bad_row(
    store: Store, node_settings: Settings, tmp_path: Path
) -> None:
    own = Store.connect(node_settings.with_values(kpi_collect_folder=str(tmp_path)))
    define(own, {"id": "own.file", "name": "From a file", "unit": "1", "bad": "high",
                 "source": {"kind": "file", "path": "in/values.csv"}}, **WHO)  # fmt: skip
    define(own, {"id": "own.out", "name": "Out of it", "unit": "1", "bad": "high",
                 "source": {"kind": "file", "path": "../../etc/passwd"}}, **WHO)  # fmt: skip
    names = ["own.file", "own.out"]
    assert "is not there" in collect(own, only=names, now=NOW).failed["own.file"]
    path = tmp_path / "in" / "values.csv"
    path.parent.mkdir()
    path.write_text("entity,time,value\nregion:north,2026-11-18,5\nregion:north,2026-11-19,6\n")
    report = collect(own, only=names, now=NOW)
    assert "leads out of" in report.failed["own.out"] and report.written["file"] == 2
    path.write_text("entity,time,value\nregion:north,2026-11-18,50\nregion:north,2026-11-19,six\n")
    assert "row 3" in collect(own, only=names, now=NOW + timedelta(minutes=5)).failed["own.file"]
    assert [row["value"] for _, row in sorted(_values(own, "own.file").items())] == [5, 6]
