"""Points read back as columns, and the newest of a series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.entities import Entity
from contracts.errors import DefinitionError
from infrastructure.store import Operation, Store
from kpis.pipeline import rollup
from kpis.points import COLUMNS, latest, read_points
from tests.kpis.random_records import Records, put
from tests.kpis.stored import stored

START = datetime(2026, 10, 30, tzinfo=UTC)
END = START + timedelta(days=9)


def test_points_read_back_are_those_stored(store: Store) -> None:
    put(store, "voip", Records(41, START, 2, START).many("voip", 700))
    rollup(store, until=END, now=END)
    expected = stored(store, 3600)
    store._row_cap = 700
    frame = read_points(store, 3600, START, END, with_bins=True)
    store.forget()
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == len(expected)
    for row in frame.itertuples():
        point = expected[row.kpi, f"{row.entity_type}:{row.entity_id}", row.bucket]
        assert (row.samples, row.state, row.bins, row.service) == (point.samples, point.state, point.bins, "voip")
        for name in ("value", "numerator", "denominator"):
            found, stands = getattr(row, name), getattr(point, name)
            assert found == stands or (stands is None and found != found)
    assert frame.equals(frame.sort_values(["kpi", "entity_type", "entity_id", "bucket"], kind="stable"))

    some = read_points(store, 3600, START + timedelta(hours=3), END, ["asr"])
    assert set(some["kpi"]) == {"voip.asr"}
    assert some["bucket"].min() >= int((START + timedelta(hours=3)).timestamp()) * 1000
    assert set(some["bins"]) == {""}


def test_points_of_an_older_definition_are_not_read(store: Store) -> None:
    put(store, "voip", Records(42, START, 1, START).many("voip", 200))
    rollup(store, until=END, now=END)
    number = len(read_points(store, 86400, START, END))
    hit = next(store.scan("kpi-1d"))
    old = hit["_source"] | {"kpi": hit["_source"]["kpi"] | {"version": 99}}
    store.write_all([Operation("create", hit["_index"], "old", old)])
    store.refresh("kpi-1d")
    assert len(read_points(store, 86400, START, END)) == number


def test_points_are_an_empty_frame_where_nothing_is_stored(store: Store) -> None:
    frame = read_points(store, 300, START, END)
    assert list(frame.columns) == list(COLUMNS)
    assert frame.empty
    assert latest(store, 300) == []


def test_reading_refuses_unknown_names(store: Store) -> None:
    with pytest.raises(DefinitionError, match="did you mean"):
        read_points(store, 300, START, END, ["voip.azr"])
    with pytest.raises(DefinitionError, match="60 s"):
        read_points(store, 60, START, END)


def test_latest_is_the_newest_point_with_a_value(store: Store) -> None:
    put(store, "sms", Records(43, START, 1, START).many("sms", 300))
    rollup(store, until=END, now=END)
    (found,) = latest(store, 86400, Entity("service", "sms"), ["sms.volume"])
    days = [place[2] for place, point in stored(store, 86400).items() if point.kpi == "sms.volume" and point.samples]
    assert datetime.fromisoformat(found["@timestamp"]).timestamp() * 1000 == max(days)
    assert {one["kpi"]["id"] for one in latest(store, 86400)} == {"sms.volume", "sms.delivery_ratio", "sms.delay_p95"}
