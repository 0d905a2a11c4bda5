"""A file that is read again: books as delivered, and rejects that follow what became of their lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mediation import ingest, load_layouts
from mediation.samples import write_sample
from mediation.suspense import Selection, discard, retry

if TYPE_CHECKING:
    from infrastructure.store import Store

LAYOUTS = load_layouts()
SMS = LAYOUTS["sms-busyhour"]
STRICT = {
    **LAYOUTS,
    SMS.name: replace(SMS, columns=tuple(replace(c, high=0) if c.name == "error_code" else c for c in SMS.columns)),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sms.csv"
    write_sample(SMS.name, path, rows=20, seed=3)
    header, *lines = (line.split(",") for line in path.read_text().splitlines())
    for number, cells in enumerate(lines):
        cells[5] = "0" if number % 4 else "7"
    path.write_text("".join(",".join(cells) + "\n" for cells in (header, *lines)))
    return path


def row(store: Store) -> dict[str, Any]:
    store.refresh("cdr-file", "cdr-reject", "cdr-sms")
    (found,) = (hit["_source"]["file"] for hit in store.scan("cdr-file"))
    return {
        name: found.get(name)
        for name in ("lines", "indexed", "duplicate", "rejected", "recycled", "discarded", "reasons")
    }


def states(store: Store) -> set[str]:
    store.refresh("cdr-reject")
    return {hit["_source"]["reject"]["state"] for hit in store.scan("cdr-reject")}


AS_DELIVERED = {
    "lines": 20,
    "indexed": 15,
    "duplicate": 0,
    "rejected": 5,
    "discarded": None,
    "reasons": {"bad_number": 5},
}


def test_ingest_after_a_fix_recycles_what_it_indexes(store: Store, file: Path) -> None:
    ingest(store, [file], layouts=STRICT)
    assert row(store) == {**AS_DELIVERED, "recycled": None}
    report = ingest(store, [file])
    assert (report.lines, report.indexed, report.duplicate, report.rejected) == (20, 5, 15, 0)
    assert states(store) == {"recycled"}
    assert row(store) == {**AS_DELIVERED, "recycled": 5}
    assert store.count("cdr-sms") == 20


@pytest.mark.parametrize("last", [LAYOUTS, STRICT], ids=["mended", "strict"])
def test_books_are_those_of_the_delivery_whatever_is_read_after_a_retry(
    store: Store, file: Path, last: dict[str, Any]
) -> None:
    ingest(store, [file], layouts=STRICT)
    retry(store, Selection(), by="anna")
    wanted = row(store)
    assert wanted == {**AS_DELIVERED, "recycled": 5}
    ingest(store, [file], layouts=last)
    assert row(store) == wanted


def test_ingest_takes_back_what_was_discarded_when_it_becomes_a_record(store: Store, file: Path) -> None:
    ingest(store, [file], layouts=STRICT)
    discard(store, Selection(), by="anna", why="not needed")
    assert row(store)["discarded"] == 5
    ingest(store, [file])
    assert states(store) == {"recycled"}
    assert row(store) == {**AS_DELIVERED, "recycled": 5}


def test_discard_recycles_what_a_dead_run_had_written(store: Store, file: Path) -> None:
    ingest(store, [file], layouts=STRICT)
    before = list(store.scan("cdr-reject"))
    retry(store, Selection(), by="anna")
    for hit in before:
        store.modify("cdr-reject", hit["_id"], lambda _, hit=hit: hit["_source"])
    report = discard(store, Selection(), by="ben", why="gone")
    assert (report.recycled, report.discarded) == (5, 0)
    assert row(store) == {**AS_DELIVERED, "recycled": 5}


def test_two_retries_at_once_double_nothing(store: Store, file: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    ingest(store, [file], layouts=STRICT)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda name: retry(store, Selection(), by=name), ("a", "b", "c", "d")))
    assert all(report.suspended == 0 for report in reports)
    assert row(store) == {**AS_DELIVERED, "recycled": 5}
    assert store.count("cdr-sms") == 20
