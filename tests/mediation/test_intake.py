"""Lines on their way into a real store: chunks, both ways of a line, times ahead of the clock, and what is told when."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from contracts.clock import iso
from contracts.outcomes import Reason
from infrastructure.bulk import Operation, encoded
from infrastructure.store import Store
from mediation import ingest
from mediation.books import Book
from mediation.columns.compile import compile_columns
from mediation.compile import Record, compile_layout
from mediation.intake import Intake
from mediation.lines import judge
from mediation.load import load_layouts
from mediation.samples import SAMPLES, write_sample
from mediation.settle import Chunk, Line, settle
from mediation.sniff import inspect

if TYPE_CHECKING:
    from contracts.settings import Settings

LAYOUTS = load_layouts()
NAME = "voip-busyhour"
KEY = b"key"


def _store(node_settings: Settings, **values: Any) -> Store:
    return Store.connect(node_settings.with_values(**values))


def _book(tmp_path: Path, lines: list[str]) -> Book:
    path = tmp_path / "calls.csv"
    path.write_text("\n".join([",".join(LAYOUTS[NAME].header), *lines]))
    return Book(inspect(path, LAYOUTS))


def _lines(count: int) -> list[str]:
    return [",".join(row) for row in SAMPLES[NAME](Random(3), count)]


@pytest.mark.parametrize("chunk", [1, 7, 50])
def test_both_ways_of_a_line_fill_the_same_books_whatever_the_chunk(
    store: Store, node_settings: Settings, tmp_path: Path, chunk: int
) -> None:
    lines = _lines(40)
    lines[11] = lines[11].replace("@lon-sbc", '@"lon"')  # a quote inside a cell: a reject, and not plain
    book = _book(tmp_path, lines)
    columns = compile_columns(LAYOUTS[NAME], KEY)
    outcome = judge(compile_layout(LAYOUTS[NAME], KEY), 10_000)
    assert columns is not None
    with Intake(_store(node_settings, ingest_chunk_lines=chunk)) as intake:
        rest = intake.add_region(book, columns, 500, 2, "\n".join(lines[:30]).encode())
        assert rest == [(500 + sum(len(line) + 1 for line in lines[:11]), 13, lines[11].encode())]
        for number, line in enumerate([lines[11], *lines[30:]]):
            intake.add(book, 9_000 + number, 100 + number, line.encode(), outcome(line.encode()))
        intake.flush()
    assert (book.counts.lines, book.counts.indexed, book.counts.rejected) == (40, 39, 1)
    assert book.counts.reasons == {Reason.BAD_QUOTING: 1}
    store.refresh()
    assert store.count("cdr-voip") == 39


def test_after_is_told_when_all_before_is_acknowledged_and_not_sooner(store: Store, tmp_path: Path) -> None:
    lines = _lines(3)
    book = _book(tmp_path, lines)
    outcome = judge(compile_layout(LAYOUTS[NAME], KEY), 10_000)
    told: list[int] = []
    with Intake(store) as intake:
        intake.after(lambda: told.append(book.counts.lines))
        for line in lines:
            intake.add(book, 0, 2, line.encode(), outcome(line.encode()))
        intake.after(lambda: told.append(book.counts.lines))
        assert told == []
        intake.flush()
    assert told == [3, 3]


@pytest.mark.parametrize("odd", ["", "\u00e9"])  # plain lines, and lines that go the slow way
def test_a_record_ahead_of_the_clock_is_rejected(
    store: Store, node_settings: Settings, tmp_path: Path, odd: str
) -> None:
    path = tmp_path / "calls.csv"
    write_sample(NAME, path, rows=20, seed=1)
    if odd:
        path.write_text(path.read_text().replace("@lon-sbc", f"@l{odd}n-sbc"))
    first = min(line.split(",")[4] for line in path.read_text().splitlines()[1:])
    early = Store.connect(node_settings, clock=lambda: store.clock().fromisoformat(first) - timedelta(hours=49))
    report = ingest(early, [path])
    assert report.rejected == report.counts.reasons[Reason.FUTURE_TIME] > 0
    assert report.lines == report.indexed + report.rejected == 20
    again = ingest(store, [path])
    assert (again.rejected, again.indexed + again.duplicate) == (0, 20)


def test_a_chunk_that_has_waited_is_stamped_anew_and_known_again(store: Store, tmp_path: Path) -> None:
    lines = _lines(4)
    book = _book(tmp_path, lines)
    outcome = judge(compile_layout(LAYOUTS[NAME], KEY), 10_000)
    begun = store.clock()
    waiting = Chunk(iso(begun))
    for number, line in enumerate(lines):
        record = outcome(line.encode())
        assert isinstance(record, Record)
        document = {**record.document, "log": {"file": book.log, "offset": number}}
        document["event"]["ingested"] = waiting.stamp
        text = encoded(Operation("create", "cdr-voip-2026.01", record.id, document))
        waiting.add(Line(book, number, number, line.encode(), None), text)
    waiting.renew(begun + timedelta(seconds=5))
    assert waiting.stamps == [iso(begun)]
    waiting.renew(begun + timedelta(minutes=10))
    assert waiting.stamps == [iso(begun), iso(begun + timedelta(minutes=10))]
    (tally,) = settle(store, waiting)
    (again,) = settle(store, waiting)  # as after a lost answer: the same chunk, written already
    assert tally.run.indexed == again.run.indexed == 4
    store.refresh()
    stamps = {hit["_source"]["event"]["ingested"] for hit in store.scan("cdr-voip")}
    assert len(stamps) == 1
    assert stamps <= set(waiting.stamps[1:])
