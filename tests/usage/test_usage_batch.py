"""The way of columns and the definition: the same rows, lines for LOAD DATA and sums, or the line is left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.usage.test_usage_quick import ODD, TERMS, USUAL
from tests.usage.usage_samples import KEY
from usage.bench import write_sample
from usage.engine import UsageStore
from usage.importing.records import import_records
from usage.records import facts, local
from usage.records.batch import columns_of, taker
from usage.records.check import Refusal, check
from usage.records.columns import Columns
from usage.records.customers import put_customers
from usage.records.facts import differences
from usage.records.kinds import KINDS

CHANGES = st.lists(st.dictionaries(st.integers(0, 8), ODD | st.text(max_size=5), max_size=2), min_size=1, max_size=8)


def _lines(kind: str, changes: list[dict[int, str]]) -> tuple[list[str], list[dict[str, str]]]:
    """Names of the columns, and a line for each of the changes to the usual one."""
    names = [*USUAL[kind], "ref", "zone"]
    lines = []
    for at, change in enumerate(changes):
        line = USUAL[kind] | {"ref": f"r{at}", "zone": "national"}
        lines.append(line | {names[place % len(names)]: text for place, text in change.items()})
    return names, lines


@pytest.mark.parametrize("kind", KINDS)
def test_usual_lines_go_the_way_of_columns(kind: str) -> None:
    names, lines = _lines(kind, [{}] * 5)
    take = taker(kind, names, TERMS)
    assert take is not None
    batch = take(columns(names, lines))
    assert batch.places == [0, 1, 2, 3, 4]
    assert batch.distinct


@settings(max_examples=200)
@given(st.sampled_from(sorted(KINDS)), CHANGES)
@example("call", [{0: "É"}, {}, {0: "C1", 1: "2026-11-20T10:00:00Z"}])
@example("data", [{}, {}])
def test_way_of_columns_gives_the_rows_of_the_definition(kind: str, changes: list[dict[int, str]]) -> None:
    names, lines = _lines(kind, changes)
    take = taker(kind, names, TERMS)
    assert take is not None
    if any(_no_text(line) for line in lines):
        assert columns_of(names, [list(line.values()) for line in lines]) is None
        return
    batch = take(columns(names, lines))
    rows = batch.rows()
    expected = [check(kind, lines[place], TERMS) for place in batch.places]
    assert not any(isinstance(each, Refusal) for each in expected)
    assert rows == expected
    assert [[type(value) for value in row] for row in rows] == [[type(v) for v in row] for row in expected]
    assert batch.lines.decode() == "".join(map(local.line, rows))
    assert batch.sums.as_sums() == facts.sums(kind, rows)
    rest = [place for place in range(len(lines)) if place not in batch.places]
    judged = [(place, check(kind, lines[place], TERMS)) for place in rest]
    extra = [(place, row) for place, row in judged if not isinstance(row, Refusal)]
    batch = replace(batch, extra=extra)
    assert batch.sums.as_sums() == facts.sums(kind, batch.rows())
    assert batch.distinct is (len({row[0] for row in batch.rows()}) == len(batch))


def columns(names: list[str], lines: list[dict[str, str]]) -> Columns:
    found = columns_of(names, [list(line.values()) for line in lines])
    assert found is not None
    return found


def _no_text(line: dict[str, str]) -> bool:
    """A lone surrogate: what bytes that are no UTF-8 become."""
    return any("\ud800" <= letter <= "\udfff" for text in line.values() for letter in text)


def test_day_that_no_month_has_leaves_the_line_to_the_other_ways() -> None:
    names, lines = _lines("sms", [{1: "2026-02-30T10:00:00Z"}, {}])
    assert names[1] == "started"
    take = taker("sms", names, TERMS)
    assert take is not None
    assert take(columns(names, lines)).places == [1]


def test_mixed_file_is_stored_whole_and_summed_right_by_every_way(usage_store: UsageStore, tmp_path: Path) -> None:
    """Usual, odd, refused and repeated lines in one file; then the same file again."""
    file = tmp_path / "call.csv"
    put_customers(usage_store, [{"id": f"C{at:07d}", "name": "n", "plan": "PLAN1"} for at in range(20)], KEY)
    write_sample(file, "call", 600, 20, seed=3)
    lines = file.read_text(encoding="utf-8").splitlines()
    odd = [f"C0000001,2026-10-02 10:00:0{at},national,odd-{at},made,Bank,answered,1:00" for at in range(5)]
    refused = ["C9,2026-10-02T10:00:00Z,national,x,made,+441,answered,1", "too,few"]
    file.write_text("\n".join([*lines, *odd, *refused, lines[1]]) + "\n", encoding="utf-8")
    first, second = (import_records(usage_store, file, "call", zone=ZoneInfo("UTC"), key=KEY) for _ in range(2))
    assert first.counts == (608, 605, 1, 2), first.bad
    assert [each.line for each in first.bad] == [607, 608]
    assert second.counts == (608, 0, 606, 2)
    assert usage_store.read(differences) == 0
