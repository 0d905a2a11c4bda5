"""What a real Logstash 8.19 did with odd lines (recorded), held against what the Python runner makes of the same texts.

Either both read a text alike, or the Python side refuses it; the rendered filters hold it against the same pattern first.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.ids import ID_LENGTH, concatenated, keyed_hash
from mediation.layout import Column
from mediation.times import reader
from mediation.values import Refusal, converter, quoted_splitter

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = Column(name="a", raw="a", type="integer"), Column(name="b", raw="b", type="decimal")


def recorded(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Lines that are UTF-8, without their ends, and the events that they became."""
    folder = Path(os.environ.get("LOGSTASH_FACTS", ROOT.parent / "shared" / "logstash-facts"))
    if not folder.is_dir():
        pytest.skip(
            f"no recordings of Logstash in {folder}: in no package registry (LOGSTASH_FACTS names another folder)"
        )
    lines = (folder / f"{name}.in").read_bytes().split(b"\n")
    events = (folder / f"{name}.out").read_text(encoding="utf-8").splitlines()
    return [
        (raw.rstrip(b"\r").decode("utf-8", "replace"), json.loads(event))
        for raw, event in zip(lines, events, strict=False)
    ]


def numbered() -> Iterator[tuple[str, list[str] | None, dict[str, Any]]]:
    for line, event in recorded("numbers-times-fingerprints"):
        yield line, quoted_splitter(",")(line), event


def test_quoting_fails_where_the_csv_filter_fails() -> None:
    for line, cells, event in numbered():
        assert (cells is None) == ("_csvparsefailure" in event.get("tags", [])), line
    for line, event in recorded("conditions-and-filters"):
        failed = quoted_splitter(";")(line) is None
        assert failed == ("_csvparsefailure" in event.get("tags", []) and "\ufffd" not in line), line


def test_cells_are_those_of_the_csv_filter() -> None:
    checked = 0
    for line, cells, event in numbered():
        names = ["n", "date", "time", None, None, "c", "column7", "column8"]
        for name, cell in zip(names, cells or [], strict=False):
            if name is not None:
                assert event.get(name, "") == (cell or event.get(name, "")), line
                checked += 1
    assert checked > 60


@pytest.mark.parametrize("place", [0, 1], ids=["integer", "decimal"])
def test_a_number_is_refused_or_read_as_logstash_reads_it(place: int) -> None:
    column = NUMBERS[place]
    convert = converter(column, b"")
    assert convert is not None
    read, refused = 0, set()
    for line, cells, event in numbered():
        text = (cells or [""] * 5)[3 + place] if len(cells or []) > 3 + place else ""
        if not text:
            continue
        try:
            assert convert(text) == event[column.raw], line
            read += 1
        except Refusal:
            refused.add(text)
    assert read >= 10
    odd = (
        {"abc", "12.7", "0x1F", "99999999999999999999", " 505 "}
        if place == 0
        else {"1e3", "NaN", "1e400", "1,234.5", " 9320.0 "}
    )
    assert refused == odd | {"ab"[place]}, "the last one is the header line's"


def test_a_local_time_is_read_as_the_date_filter_reads_it() -> None:
    read = reader(("yyyy-MM-dd H:mm:ss",), "Europe/Berlin")
    seen = []
    for line, cells, event in numbered():
        if cells is None or len(cells) < 3:
            continue
        made = read(f"{cells[1]} {cells[2]}")
        assert made == (None if event["@timestamp"] == "NOW" else event["@timestamp"]), line
        seen.append(made)
    assert seen.count(None) >= 6 and len(seen) > 15


@pytest.mark.parametrize(
    ("kind", "forms"), [("dmy", ("dd/MM/yyyy HH:mm:ss", "dd/MM/yyyy H:mm")), ("iso", ("ISO8601", "UNIX_MS"))]
)
def test_a_time_is_read_as_the_date_filter_reads_it(kind: str, forms: tuple[str, ...]) -> None:
    read = reader(forms, "UTC")
    texts = [
        (event["v"], event.get("out", {}).get("t"))
        for _, event in recorded("conditions-and-filters")
        if event.get("k") == kind
    ]
    assert len(texts) >= 4
    for text, expected in texts:
        assert read(text) == expected or (read(text) is None and text == "1774688400"), text


def test_seconds_are_never_read_as_milliseconds() -> None:
    """As UNIX_MS the date filter puts 1774688400 into January 1970. The pattern that both runners ask first wants 12 digits."""
    assert reader(("UNIX_MS",), "UTC")("1774688400") is None
    assert reader(("UNIX_MS",), "UTC")("1774688400123") == "2026-03-28T09:00:00.123Z"


def test_a_layouts_identity_is_what_the_fingerprint_filter_hashes() -> None:
    for line, cells, event in numbered():
        if cells is None or len(cells) < 2:
            continue
        text = concatenated({"n": cells[0] or None, "date": cells[1] or None, "missing": None})
        assert hashlib.sha1(text.encode()).hexdigest() == event["fp"]["concat_sha1"], line  # noqa: S324  as recorded


def test_a_keyed_hash_is_the_fingerprint_filters_cut_short() -> None:
    for line, _, event in numbered():
        assert keyed_hash(b"secret", line) == event["fp"]["hmac_sha256"][:ID_LENGTH], line
