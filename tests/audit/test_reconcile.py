"""A day's reconciliation on a real store: what balances, and what it says when something does not."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mediation import ingest
from mediation.audit import reconcile
from mediation.samples import write_sample
from mediation.suspense import Selection, discard, retry

if TYPE_CHECKING:
    from infrastructure.store import Store

DAY = datetime(2026, 11, 20, tzinfo=UTC)
FIRST = datetime(2026, 10, 5, tzinfo=UTC)  # whose records the samples hold


def delivered(path: Path, layout: str, rows: int, seed: int = 1, hour: int = 12) -> Path:
    path.parent.mkdir(exist_ok=True)
    write_sample(layout, path, rows=rows, seed=seed)
    moment = DAY.timestamp() + hour * 3600
    os.utime(path, (moment, moment))
    return path


def test_day_is_balanced_and_told_by_source_and_layout(store: Store, tmp_path: Path) -> None:
    first = delivered(tmp_path / "lon" / "a.csv", "voip-busyhour", 20)
    delivered(tmp_path / "lon" / "b.csv", "sms-busyhour", 10)
    delivered(tmp_path / "fra" / "c.csv", "mobile-public", 5, seed=2)
    delivered(tmp_path / "fra" / "yesterday.csv", "mobile-public", 5, seed=3, hour=-1)
    delivered(tmp_path / "fra" / "tomorrow.csv", "mobile-public", 5, seed=4, hour=24)
    first.write_bytes(first.read_bytes() + b"bad,line\n")
    os.utime(first, (DAY.timestamp() + 60, DAY.timestamp() + 60))
    ingest(store, [tmp_path])
    books = reconcile(store, DAY)
    assert books.balanced, books.problems
    rows = {(Path(each.source).name, each.layout): each for each in books.delivered}
    assert set(rows) == {("lon", "voip-busyhour"), ("lon", "sms-busyhour"), ("fra", "mobile-public")}
    found = rows["lon", "voip-busyhour"]
    assert (found.files, found.counts.lines, found.counts.indexed, found.records) == (1, 21, 20, 20)
    assert (found.counts.rejected, found.movement.suspended) == (1, 1)
    assert rows["fra", "mobile-public"].files == 1
    assert books.records == []
    records = reconcile(store, FIRST).records
    assert {each.service: (each.records, each.balanced) for each in records}["voip"][0] > 0
    assert all(each.records == each.balanced for each in records)


def test_day_stays_balanced_when_rejects_are_recycled_and_discarded(store: Store, tmp_path: Path) -> None:
    path = delivered(tmp_path / "lon" / "calls.csv", "voip-public-undated", 6)
    ingest(store, [path])
    ids = sorted(hit["_id"] for hit in store.scan("cdr-reject"))
    retry(store, Selection(ids=tuple(ids[:3])), by="anna", start="2026-01-01T00:00:00", rate="60/h")
    discard(store, Selection(ids=tuple(ids[3:4])), by="anna", why="a test call")
    books = reconcile(store, DAY)
    assert books.balanced, books.problems
    (found,) = books.delivered
    movement = found.movement
    assert (movement.rejected, movement.recycled, movement.discarded, movement.suspended) == (6, 3, 1, 2)
    assert found.records == 3


def test_day_does_not_balance_when_a_record_is_gone(store: Store, tmp_path: Path) -> None:
    ingest(store, [delivered(tmp_path / "lon" / "a.csv", "voip-busyhour", 20)])
    hit = next(iter(store.scan("cdr-voip")))
    store.exchange.ask("DELETE", f"/{hit['_index']}/_doc/{hit['_id']}")
    books = reconcile(store, DAY)
    assert not books.balanced
    assert books.delivered[0].wrong == 1
    assert "holds 19 records" in books.problems[0][1]


def test_day_does_not_balance_when_a_file_is_open_or_unknown(store: Store, tmp_path: Path) -> None:
    path = delivered(tmp_path / "lon" / "a.csv", "voip-busyhour", 20)
    ingest(store, [path])
    (hit,) = store.scan("cdr-file")
    store.modify("cdr-file", hit["_id"], lambda row: {**row, "file": {**row["file"], "state": "open"}})
    books = reconcile(store, DAY)
    assert (books.balanced, books.delivered[0].open) == (False, 1)
    store.exchange.ask("DELETE", f"/cdr-file-1/_doc/{hit['_id']}")
    books = reconcile(store, FIRST)
    assert not books.balanced
    assert books.records[0].unknown == books.records[0].records > 0
    assert "no row" in books.problems[0][1]
