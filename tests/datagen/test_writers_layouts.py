"""A layout that nobody has seen before is written without new code."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from contracts.clock import from_epoch_ms, iso
from contracts.errors import DefinitionError
from datagen.clocks import clock, resolution
from datagen.pipeline import plan, tables
from datagen.table import Table, label, time
from datagen.writers import FileFacts, writer_of
from mediation.compile import Record, compile_layout
from mediation.formats import records as cut
from mediation.layout import Layout
from mediation.lines import judge
from mediation.load import load_layout

CELLS = """
- {name: seized, as: Seized}
- {name: day, as: Day}
- {name: outcome, as: Outcome, field: voip.disposition, required: true, values: {A: answered, R: ringing, X: call-attempt}}
- {name: mos, as: Mos, field: voip.calling.mos, type: decimal, min: 0, divide_by: 10, absent: ["-"]}
- {name: pdd, as: Pdd, field: voip.pdd.ms, type: integer, min: 0, max: 500}
- {name: route, as: Route, field: voip.trunk_group.terminating}
- {name: id, as: Id, field: voip.call_id, required: true}
- {name: spare, as: Spare}
"""


def layout(tmp_path: Path, encoding: str = "utf-8", separator: str = "|", extra: str = "") -> Layout:
    row = {
        "layout": "elsewhere",
        "title": "a switch elsewhere",
        "family": "voip",
        "runners": ["python"] if encoding != "utf-8" else ["python", "logstash"],
        "format": {"kind": "csv", "separator": separator},
        "encoding": encoding,
        "timezone": "Europe/Paris",
        "columns": yaml.safe_load(CELLS + extra),
        "times": [
            {
                "field": "event.end",
                "columns": ["Day", "Seized"],
                "formats": ["dd.MM.yyyy HH.mm.ss,SSS"],
                "required": True,
            }
        ],
        "target": [{"service": "voip"}],
        "derive": [{"field": "@timestamp", "copy": "event.end"}],
        "identity": ["Id"],
    }
    file = tmp_path / "elsewhere.yml"
    file.write_text(
        yaml.safe_dump({key: value for key, value in row.items() if value != "utf-8"}, allow_unicode=True), "utf-8"
    )
    return load_layout(file)


def day() -> Table:
    [table] = tables(plan(services=["voip"], start=datetime(2026, 11, 9, tzinfo=UTC), days=1, rate=300, seed=1), "voip")
    return table


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
@pytest.mark.parametrize("separator", ["|", ";", ".", ",", "\t"])
def test_zone_scale_words_parted_times_and_encodings_come_back(tmp_path: Path, encoding: str, separator: str) -> None:
    made, table = layout(tmp_path, encoding, separator), day()
    route = table["voip.trunk_group.terminating"]
    table["voip.trunk_group.terminating"] = label(route.values, [f'{word};|"é", {word}' for word in route.labels])
    writer = writer_of(made)
    content = writer.file(writer.records(table), FileFacts())
    outcome = judge(compile_layout(made, b"key"), 1_000_000)
    raws = [raw for _, _, raw in cut(made, io.BytesIO(content), 1_000_000, b"") if raw][1:]
    plain = {name: column.plain() for name, column in table.items()}
    assert len(raws) == len(plain["_time"])
    for row, raw in enumerate(raws):
        record = outcome(raw)
        assert isinstance(record, Record), record
        voip = record.document["voip"]
        assert record.timestamp == iso(from_epoch_ms(plain["event.end"][row]))
        assert voip["disposition"] == plain["voip.disposition"][row]
        assert voip.get("calling", {}).get("mos") == pytest.approx(plain["voip.calling.mos"][row])
        assert voip["pdd"]["ms"] == min(500, plain["voip.pdd.ms"][row])
        assert voip["trunk_group"]["terminating"] == plain["voip.trunk_group.terminating"][row]
        assert voip["call_id"] == plain["voip.call_id"][row]


def test_a_required_column_that_nothing_is_known_for_is_named(tmp_path: Path) -> None:
    made = layout(tmp_path, extra="- {name: tax, as: Tax, field: cdr.node, required: true}")
    with pytest.raises(DefinitionError, match=r"column 'Tax' \(cdr.node\) is required"):
        writer_of(made).check(day())


def test_a_word_that_the_layout_refuses_is_named_before_it_is_written(tmp_path: Path) -> None:
    table = day()
    table["voip.disposition"] = label(table["voip.disposition"].values, ("answered", "ringing", "parked"))
    with pytest.raises(DefinitionError, match="no word for 'parked'"):
        writer_of(layout(tmp_path)).check(table)


def test_a_character_that_the_encoding_lacks_is_named(tmp_path: Path) -> None:
    table = day()
    table["voip.trunk_group.terminating"] = label(table["voip.trunk_group.terminating"].values, ["Łódź"] * 9)
    with pytest.raises(DefinitionError, match="'Ł' is not in latin-1"):
        writer_of(layout(tmp_path, "latin-1")).check(table)


def test_a_line_end_in_a_word_is_refused(tmp_path: Path) -> None:
    table = day()
    table["voip.trunk_group.terminating"] = label(table["voip.trunk_group.terminating"].values, ["a\nb"] * 9)
    with pytest.raises(DefinitionError, match="cannot stand in a line"):
        writer_of(layout(tmp_path)).check(table)


@pytest.mark.parametrize(
    ("pattern", "zone", "expected"),
    [
        ("yyyy-MM-dd HH:mm:ss", "Europe/Paris", "2026-07-01 12:05:09"),
        ("yyyyMMddHHmmssSSS", "UTC", "20260701100509250"),
        ("d/M/yyyy H:m:s", "America/New_York", "1/7/2026 6:5:9"),
        ("yyyy-MM-dd'T'HH:mm", "Asia/Kathmandu", "2026-07-01T15:50"),
        ("ISO8601", "Europe/Paris", "2026-07-01T10:05:09.250Z"),
        ("UNIX", "Europe/Paris", "1782900309"),
        ("UNIX_MS", "UTC", "1782900309250"),
        ("UNIX_US", "UTC", "1782900309250000"),
    ],
)
def test_a_time_is_written_by_pattern_and_zone(pattern: str, zone: str, expected: str) -> None:
    moment = time([round(datetime(2026, 7, 1, 10, 5, 9, 250_000, UTC).timestamp() * 1000), -1])
    assert ["".join(row) for row in zip(*clock(moment, pattern, ";", zone), strict=True)] == [expected + ";", ";"]


@pytest.mark.parametrize(
    ("pattern", "step"), [("ISO8601", 1), ("UNIX", 1000), ("dd/MM/yyyy HH:mm:ss", 1000), ("yyyy-MM-dd HH:mm", 60_000)]
)
def test_the_finest_step_of_a_pattern(pattern: str, step: int) -> None:
    assert resolution(pattern) == step
