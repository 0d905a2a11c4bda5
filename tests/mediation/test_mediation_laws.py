"""Laws of mediation without a store: never an exception, one outcome a line, order means nothing."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import ids
from contracts.outcomes import Reject
from mediation.collect import LongLine, physical_lines
from mediation.compile import Pace, Record, compile_layout
from mediation.formats.write import record_of
from mediation.golden import KEY, LIMIT, outcomes
from mediation.lines import judge
from mediation.load import load_layouts
from mediation.samples import SAMPLES
from mediation.values import quoted_splitter

LAYOUTS = load_layouts()
MEDIATORS = {name: compile_layout(layout, KEY) for name, layout in LAYOUTS.items()}
JUDGES = {name: judge(mediator, LIMIT) for name, mediator in MEDIATORS.items()}
GOLDEN = Path(__file__).parent / "golden"
names = st.sampled_from(sorted(LAYOUTS))
sampled = st.sampled_from(sorted(SAMPLES))
randoms = st.integers(0, 2**32).map(Random)
# Cells as hostile files have them, beside pieces of right ones.
cells = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["", "0", "-0", "1e9", "9" * 30, "NaN", "2026-01-01", "9:00:00", "2026-01-01T00:00:00Z", "answered", '"']
    ),
)


def _line(name: str, cells: list[str]) -> str:
    return record_of(LAYOUTS[name], cells)


@given(names, st.binary(max_size=300))
def test_mediation_never_raises_when_bytes_are_arbitrary(name: str, raw: bytes) -> None:
    assert isinstance(JUDGES[name](raw), Record | Reject)


@given(sampled, randoms, st.data())
def test_mediation_never_raises_when_cells_are_arbitrary(name: str, random: Random, data: st.DataObject) -> None:
    row = next(iter(SAMPLES[name](random, 1)))
    for position in data.draw(st.lists(st.integers(0, len(row) - 1), max_size=4)):
        row[position] = data.draw(cells)
    outcome = JUDGES[name](_line(name, row).encode(errors="replace"))
    assert isinstance(outcome, Record | Reject)


@given(sampled, randoms)
def test_mediation_takes_every_believable_line(name: str, random: Random) -> None:
    pace = Pace("2026-01-01T00:00:00.000Z", 30.0, 0) if LAYOUTS[name].paced else None
    mediate = compile_layout(LAYOUTS[name], KEY, pace=pace).mediate
    for row in SAMPLES[name](random, 5):
        outcome = mediate(_line(name, row))
        assert isinstance(outcome, Record), outcome
        assert outcome.document["@timestamp"] == outcome.timestamp


@settings(max_examples=20)
@given(randoms)
def test_mediation_gives_the_same_documents_when_columns_are_reordered(random: Random) -> None:
    layout = LAYOUTS["voip-busyhour"]
    row = next(iter(SAMPLES[layout.name](random, 1)))
    order = list(range(len(row)))
    random.shuffle(order)
    moved = compile_layout(layout, KEY, header=[layout.header[index] for index in order])
    assert moved.mediate(_line(layout.name, [row[index] for index in order])) == MEDIATORS[layout.name].mediate(
        _line(layout.name, row)
    )


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if not layout.binary])
def test_outcomes_are_the_same_set_when_lines_are_shuffled(name: str, tmp_path: Path) -> None:
    source = next((GOLDEN / name).glob("input.*"))
    lines = source.read_bytes().removesuffix(b"\n").split(b"\n")
    header = [lines.pop(0)] if LAYOUTS[name].headed else []
    Random(7).shuffle(lines)
    shuffled = tmp_path / source.name
    shuffled.write_bytes(b"\n".join([*header, *lines]))
    assert _set(shuffled) == _set(source)


def _set(path: Path) -> set[tuple[str, str]]:
    return {(str(row["id"]), str(row["index"])) for row in outcomes(path, LAYOUTS)}


def test_identity_is_what_the_fingerprint_filter_hashes() -> None:
    line = "0;1;2;PLAN1;MOC;CUST1;07700900101;247;12:07:12;01/02/2012 "
    outcome = MEDIATORS["mobile-public-semicolon"].mediate(line)
    assert isinstance(outcome, Record)
    header = LAYOUTS["mobile-public-semicolon"].header
    cells = dict(zip(header, (cell.strip() for cell in line.split(";")), strict=True))
    sources = {f"[raw][{name}]": cells[name] for name in header} | {"[cdr][layout]": "mobile-public-semicolon"}
    assert outcome.id == ids.digest(ids.concatenated(sources))


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=5), min_size=1))
def test_quoting_written_by_csv_is_read_back(row: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="", quoting=csv.QUOTE_ALL).writerow(row)
    assert quoted_splitter(",")(out.getvalue()) == row


@pytest.mark.parametrize("line", ['"a', 'a"b', '"a"b', '"a""', '"a" ,b', 'a,"'])
def test_quoting_is_refused_when_a_quote_is_out_of_place(line: str) -> None:
    assert quoted_splitter(",")(line) is None


@given(st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b""))), st.booleans())
def test_lines_found_are_the_lines_written(lines: list[bytes], ended: bool) -> None:
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    found = list(physical_lines(io.BytesIO(content), 1000))
    assert [content[offset : offset + len(raw)] for offset, _, raw in found] == [raw for _, _, raw in found]
    assert b"".join(content[offset : offset + len(raw) + 1] for offset, _, raw in found) == content
    assert [number for _, number, _ in found] == list(range(1, len(found) + 1))


@given(st.integers(0, 700_000), st.integers(0, 700_000), st.booleans())
@settings(max_examples=15)
def test_long_line_keeps_its_head_and_the_places_behind_it(before: int, after: int, carriage: bool) -> None:
    long = b"x" * (before + 300_001) + (b"\r" if carriage else b"")
    content = b"head\n" + long + b"\ntail" + b"y" * after + b"\nend\n"
    found = list(physical_lines(io.BytesIO(content), 300_000, b"p"))
    assert found[0] == (0, 1, b"head")
    assert isinstance(found[1][2], LongLine)
    assert found[1][2] == b"x" * 8192
    assert found[1][2].length == len(long)
    assert found[1][2].digest == ids.digest("p" + "x" * (before + 300_001))
    assert found[-1] == (len(content) - 4, 4, b"end")
