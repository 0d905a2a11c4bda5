"""The law of the books: whatever is read, audited, retried and discarded, in any order, they balance with the store."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.clock import parse_iso
from contracts.indices import CDR_INDEX
from infrastructure.setup import empty, set_up
from mediation import ingest, load_layouts
from mediation.audit import audit, reconcile
from mediation.samples import write_sample
from mediation.suspense import Selection, discard, movements, retry

if TYPE_CHECKING:
    from infrastructure.store import Store

LAYOUTS = load_layouts()
SMS = LAYOUTS["sms-busyhour"]
DAY = parse_iso("2026-11-20T00:00:00Z")


def layouts(most: int) -> dict[str, Any]:
    """Mended step by step: an error code above `most` makes a line a reject."""
    columns = tuple(replace(c, high=most) if c.name == "error_code" else c for c in SMS.columns)
    return {**LAYOUTS, SMS.name: replace(SMS, columns=columns)}


def write(folder: Path, name: str, lines: list[tuple[int, int]]) -> None:
    """A file whose lines are (which record, error code); 9 is no number whatever the layout."""
    path = folder / name
    write_sample(SMS.name, path, rows=12, seed=1)
    header, *records = (line.split(",") for line in path.read_text().splitlines())
    rows = [header]
    for record, code in lines:
        cells = list(records[record])
        cells[5] = "nine" if code == 9 else str(code)
        rows.append(cells)
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    os.utime(path, (DAY.timestamp() + 3600, DAY.timestamp() + 3600))


LINES = st.lists(st.tuples(st.integers(0, 11), st.sampled_from([0, 0, 1, 2, 9])), min_size=1, max_size=8)
STEPS = st.lists(
    st.sampled_from(["ingest a", "ingest b", "retry", "retry a", "discard", "audit", "mend"]), min_size=2, max_size=7
)


def step(store: Store, folder: Path, word: str, most: int) -> None:
    verb, _, name = word.partition(" ")
    if verb == "ingest":
        ingest(store, [folder / f"{name}.csv"], layouts=layouts(most))
    elif verb == "retry":
        retry(store, Selection(file=f"{name}.csv" if name else ""), by="anna", layouts=layouts(most))
    elif verb == "discard":
        ids = sorted(hit["_id"] for hit in store.scan("cdr-reject"))
        if ids:
            discard(store, Selection(ids=tuple(ids[::2])), by="ben", why="every second one")
    elif verb == "audit":
        known = [Path(hit["_source"]["log"]["file"]["path"]) for hit in store.scan("cdr-file")]
        assert audit(store, known, verify=True, layouts=layouts(most)).ok


def check(store: Store) -> None:
    store.refresh("cdr-file", "cdr-reject", *CDR_INDEX.values())
    rows = [hit["_source"]["file"] for hit in store.scan("cdr-file")]
    moved = [movement for _, movement in movements(store)]
    for row in rows:
        assert row["lines"] == row["indexed"] + row["duplicate"] + row["rejected"], row
        assert row["rejected"] >= row.get("recycled", 0) + row.get("discarded", 0)
    assert sum(row["rejected"] for row in rows) == sum(each.rejected for each in moved) == store.count("cdr-reject")
    assert sum(row.get("recycled", 0) for row in rows) == sum(each.recycled for each in moved)
    assert sum(row.get("discarded", 0) for row in rows) == sum(each.discarded for each in moved)
    records = sum(store.count(name) for name in CDR_INDEX.values())
    assert records == sum(row["indexed"] for row in rows) + sum(each.indexed for each in moved)
    books = reconcile(store, DAY)
    assert books.balanced, books.problems


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(a=LINES, b=LINES, steps=STEPS)
def test_books_balance_after_any_sequence(
    connected_store: Store, a: list[tuple[int, int]], b: list[tuple[int, int]], steps: list[str]
) -> None:
    set_up(connected_store)
    empty(connected_store)
    with TemporaryDirectory() as folder:
        write(Path(folder), "a.csv", a)
        write(Path(folder), "b.csv", b)
        most = 0
        for word in ["ingest a", *steps]:
            most = min(2, most + (word == "mend"))
            step(connected_store, Path(folder), word, most)
            check(connected_store)


@pytest.mark.parametrize(
    "order", [["retry", "ingest a"], ["ingest a", "retry"], ["discard", "ingest a"], ["ingest b", "retry a"]]
)
def test_books_end_the_same_whatever_mends_them(store: Store, tmp_path: Path, order: list[str]) -> None:
    write(tmp_path, "a.csv", [(0, 0), (1, 1), (2, 2), (3, 9), (1, 1)])
    write(tmp_path, "b.csv", [(1, 1), (5, 0)])
    ingest(store, [tmp_path / "a.csv"], layouts=layouts(0))
    for word in order:
        step(store, tmp_path, word, 2)
    check(store)
    ingest(store, [tmp_path])
    retry(store, Selection(), by="anna")
    retry(store, Selection(state="discarded"), by="anna")
    check(store)
    rows = {Path(hit["_source"]["log"]["file"]["path"]).name: hit["_source"]["file"] for hit in store.scan("cdr-file")}
    assert (rows["a.csv"]["indexed"], rows["a.csv"]["rejected"], rows["a.csv"]["duplicate"]) == (1, 3, 1)
    assert rows["a.csv"]["recycled"] == 2
