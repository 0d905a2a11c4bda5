"""Columns to text and back."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clock import from_epoch_ms, iso
from contracts.errors import DefinitionError, InternalError
from datagen import text
from datagen.lines import lines
from datagen.pipeline import plan, tables
from datagen.table import Column, decimal, label, time, whole
from mediation.compile import Record, compile_layout
from mediation.load import load_layouts

some = st.lists(st.one_of(st.just(-1), st.integers(0, 10**12)), min_size=1, max_size=50)


def written(column: Column) -> list[str]:
    return ["".join(row) for row in zip(*text.cells(column, "|"), strict=True)]


@given(some)
def test_whole_numbers_are_written_as_they_are(values: list[int]) -> None:
    assert written(whole(values)) == ["|" if value < 0 else f"{value}|" for value in values]


@given(some, st.integers(1, 3))
def test_decimals_are_written_with_their_places(values: list[int], places: int) -> None:
    column = Column("decimal", np.array(values), places=places)
    assert written(column) == ["|" if value < 0 else f"{value / 10**places:.{places}f}|" for value in values]


@given(some)
def test_times_are_written_as_iso(values: list[int]) -> None:
    assert written(time(values)) == ["|" if value < 0 else iso(from_epoch_ms(value)) + "|" for value in values]


@given(st.lists(st.integers(-1, 2), min_size=1))
def test_labels_are_written_as_words(values: list[int]) -> None:
    assert written(label(values, ("a", "b", "c"))) == [["a", "b", "c", ""][value] + "|" for value in values]


def test_decimal_keeps_missing_values() -> None:
    assert written(decimal([1.005, float("nan"), 0.0], 2)) == ["1.00|", "|", "0.00|"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("yyyy-MM-dd", "2026-11-09|"), ("dd/MM/yyyy", "09/11/2026|"), ("H:mm:ss", "2:35:07|"), ("HH:mm:ss", "02:35:07|")],
)
def test_clock_writes_by_pattern(pattern: str, expected: str) -> None:
    moment = round(datetime(2026, 11, 9, 2, 35, 7, 500_000, UTC).timestamp() * 1000)
    assert ["".join(row) for row in zip(*text.clock(time([moment]), pattern, "|"), strict=True)] == [expected]


def test_clock_refuses_a_pattern_it_cannot_write() -> None:
    with pytest.raises(InternalError, match="QQ"):
        text.clock(time([0]), "QQ", "|")


def test_lines_refuse_a_layout_that_needs_other_fields() -> None:
    [table] = tables(plan(services=["sms"], start=datetime(2026, 11, 9, tzinfo=UTC), days=1, rate=10, seed=1), "sms")
    with pytest.raises(DefinitionError, match="'call_id'"):
        lines(table, load_layouts()["voip-busyhour"])


DATED = ["voip-busyhour", "voip-public", "sms-busyhour", "mobile-public", "mobile-public-semicolon", "epc-busyhour"]


@pytest.mark.parametrize("name", DATED)
def test_lines_mediated_again_give_the_same_values(name: str) -> None:
    layout = load_layouts()[name]
    service = {"voip": "voip", "epc": "epc", "mobile": "sms"}[layout.family]
    run = plan(services=[service], start=datetime(2026, 11, 9, tzinfo=UTC), days=1, rate=2000, seed=1)
    [table] = tables(run, service)
    mediate = compile_layout(layout, b"key").mediate
    records = [mediate(line.rstrip("\n")) for line in lines(table, layout)]
    assert all(isinstance(record, Record) and record.service == service for record in records)
    assert len({record.id for record in records if isinstance(record, Record)}) == len(records)
    plain = {column.name: table[column.field].plain() for column in layout.columns if column.field in table}
    for row, record in enumerate(records):
        assert isinstance(record, Record)
        assert "cdr" not in record.document or "flags" not in record.document["cdr"]
        for column in layout.columns:
            if column.pii == "keep" and column.field in table and column.field not in layout.locals:
                assert _value(record.document, column.field) == _comparable(plain[column.name][row], column.type)
        stamp = iso(from_epoch_ms(int(table["@timestamp"].values[row])))
        assert record.timestamp[:19] == stamp[:19]


def _value(document: object, field: str) -> object:
    for part in field.split("."):
        if not isinstance(document, dict) or part not in document:
            return None
        document = document[part]
    return document


def _comparable(value: object, kind: str) -> object:
    return str(value) if kind == "keyword" and value is not None else value
