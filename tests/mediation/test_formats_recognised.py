"""Which layout a file has, in which encoding, and where its lines are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import LayoutError, UserError
from contracts.outcomes import Reason, Reject
from mediation.collect import physical_lines
from mediation.compile import Record, compile_layout
from mediation.formats import records
from mediation.formats.write import header_lines, record_of
from mediation.golden import KEY, outcomes
from mediation.layout import Layout
from mediation.lines import judge
from mediation.load import load_layouts
from mediation.samples import SAMPLES, sample_name, write_sample
from mediation.sniff import inspect

LAYOUTS = load_layouts()
HEADLESS = sorted(name for name in SAMPLES if not LAYOUTS[name].headed)


@pytest.mark.parametrize("name", SAMPLES)
def test_file_is_recognised_whatever_its_name_is(name: str, tmp_path: Path) -> None:
    for file in ("calls", sample_name(name), "Master.csv"):
        path = tmp_path / file
        write_sample(name, path, rows=5, seed=2)
        assert inspect(path, LAYOUTS).layout is LAYOUTS[name], file


@pytest.mark.parametrize("name", HEADLESS)
def test_file_without_header_is_recognised_when_its_first_records_are_broken(name: str, tmp_path: Path) -> None:
    path = tmp_path / "calls"
    write_sample(name, path, rows=2, seed=2)
    path.write_bytes(b"broken,\n\n" * 9 + path.read_bytes())
    assert inspect(path, LAYOUTS).layout is LAYOUTS[name]


def test_file_without_header_is_an_error_when_several_layouts_fit(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    write_sample("asterisk-cdr", path, rows=3, seed=1)
    twin = replace(LAYOUTS["asterisk-cdr"], name="asterisk-berlin", timezone="Europe/Berlin", files=("berlin-*.csv",))
    known = {**LAYOUTS, "asterisk-berlin": twin}
    with pytest.raises(LayoutError, match="may be any of the layouts asterisk-cdr, asterisk-berlin"):
        inspect(path, known)
    assert inspect(path, known, "asterisk-berlin").layout is twin
    named = path.rename(tmp_path / "berlin-1.csv")
    assert inspect(named, known).layout is twin


def test_file_is_named_with_its_first_line_when_no_layout_fits(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text('{"some": "json"}\n')
    with pytest.raises(LayoutError, match=r"calls\.csv: unknown header .* nearest is layout"):
        inspect(path, LAYOUTS)
    with pytest.raises(LayoutError, match=r"unknown header"):
        inspect(path, LAYOUTS, "voip-public")
    assert inspect(path, LAYOUTS, "voip-ndjson").layout is LAYOUTS["voip-ndjson"]


def test_header_may_lack_optional_columns_and_have_others_where_the_layout_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cdr_1"
    wanted = LAYOUTS["cucm-cdr"]
    needed = [column.name for column in wanted.columns if not column.optional]
    row = dict(zip(wanted.header, next(iter(SAMPLES["cucm-cdr"](Random(1), 1))), strict=True))
    header = [*reversed(needed), "origDeviceType", "origCause_locationX"]
    path.write_text(
        ",".join(header) + "\nINTEGER,VARCHAR(50)\n" + ",".join(row.get(name, "x") for name in header) + "\n"
    )
    found = list(outcomes(path, LAYOUTS))
    assert [each["index"] for each in found] == ["cdr-voip"]
    header.remove("globalCallId_ClusterID")
    path.write_text(",".join(header) + "\n")
    with pytest.raises(LayoutError, match=r"nearest is layout cucm-cdr, of which it lacks 'globalCallId_ClusterID'"):
        inspect(path, LAYOUTS)


# Encodings


def _in(encoding: Literal["utf-8", "latin-1", "utf-16"], name: str = "voip-busyhour") -> dict[str, Layout]:
    return {name: replace(LAYOUTS[name], encoding=encoding)}


def _sample(name: str = "voip-busyhour", codec: str = "é") -> list[str]:
    layout = LAYOUTS[name]
    place = next(index for index, column in enumerate(layout.columns) if column.field == "voip.codec")
    lines = []
    for row in SAMPLES[name](Random(4), 4):
        row[place] = codec
        lines.append(record_of(layout, row))
    return [*header_lines(layout), *lines]


def _codecs(found: Iterator[dict[str, object]]) -> list[str]:
    return [each["document"]["voip"]["codec"] for each in found]  # type: ignore[index]


@pytest.mark.parametrize(
    ("encoding", "codec", "mark"),
    [
        ("latin-1", "latin-1", b""),
        ("utf-16", "utf-16-le", b"\xff\xfe"),
        ("utf-16", "utf-16-be", b"\xfe\xff"),
        ("utf-16", "utf-16-le", b""),
        ("utf-8", "utf-8", b"\xef\xbb\xbf"),
        ("utf-8", "utf-8", b""),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_file_is_read_in_the_encoding_of_its_layout(
    encoding: Literal["utf-8", "latin-1", "utf-16"], codec: str, mark: bytes, end: str, tmp_path: Path
) -> None:
    lines = _sample()
    path = tmp_path / "calls.csv"
    path.write_bytes(mark + end.join([*lines, ""]).encode(codec))
    found = list(outcomes(path, _in(encoding)))
    assert _codecs(iter(found)) == ["é"] * 4
    plain = tmp_path / "plain.csv"
    plain.write_text("\n".join(lines), encoding="utf-8")
    assert [each["id"] for each in found] == [each["id"] for each in outcomes(plain, LAYOUTS)]
    content = path.read_bytes()
    for each, line in zip(found, lines[1:], strict=True):
        assert content[each["document"]["log"]["offset"] :].startswith(line.encode(codec))


def test_file_without_header_is_read_in_the_encoding_of_its_layout(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    path.write_bytes(b"\xff\xfe" + "\n".join(_sample("freeswitch-csv", "漢😀")).encode("utf-16-le"))
    found = list(outcomes(path, _in("utf-16", "freeswitch-csv")))
    assert _codecs(iter(found)) == ["漢😀"] * 4
    assert found[0]["document"]["log"]["offset"] == 0


def test_byte_order_mark_is_no_part_of_the_first_record(tmp_path: Path) -> None:
    for name in HEADLESS:
        path = tmp_path / sample_name(name)
        write_sample(name, path, rows=3, seed=1)
        before = list(outcomes(path, LAYOUTS))
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        after = list(outcomes(path, LAYOUTS))
        assert [each["id"] for each in after] == [each["id"] for each in before]


def test_text_that_is_not_of_its_encoding_is_a_reject_and_the_next_line_is_found() -> None:
    layout = _in("utf-16")["voip-busyhour"]
    content = "a,b\n".encode("utf-16-le") + b"\x00\xd8" + "x\nc".encode("utf-16-le") + b"\x00"
    found = list(records(layout, io.BytesIO(content), 100))
    assert [offset for offset, _, _ in found] == [0, 8, 14]
    outcome = judge(compile_layout(layout, KEY), 100)(found[1][2])
    assert isinstance(outcome, Reject)
    assert outcome.reason == Reason.BAD_ENCODING


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\ufeff"), max_size=9)),
    st.sampled_from(["utf-16-le", "utf-16-be"]),
    st.booleans(),
    st.integers(1, 7),
)
def test_lines_of_utf_16_are_found_with_their_places(lines: list[str], codec: str, marked: bool, size: int) -> None:
    mark = "\ufeff" if marked or codec == "utf-16-be" else ""
    content = (mark + "\n".join(lines)).encode(codec)

    class Dripping(io.BytesIO):
        def read(self, wanted: int | None = -1) -> bytes:
            return super().read(2 * size)

    found = list(records(_in("utf-16")["voip-busyhour"], Dripping(content), 10**6))
    expected = list(physical_lines(io.BytesIO("\n".join(lines).encode()), 10**6))
    assert [raw for _, _, raw in found] == [raw for _, _, raw in expected]
    for (offset, _, raw), first in zip(found, [True] + [False] * len(found), strict=False):
        start = offset + (2 if first and mark else 0)
        assert content[start:].startswith(raw.decode().encode(codec))


def test_file_in_another_encoding_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes("\ufeffa,b\n".encode("utf-16-le"))
    with pytest.raises(UserError, match=r"is UTF-16LE, not UTF-8\n.*iconv -f UTF-16LE.*`encoding`"):
        inspect(path, LAYOUTS)
    path.write_bytes("é,b\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"not UTF-8 at byte 1"):
        inspect(path, LAYOUTS)


# Clocks that change


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-29 01:59:59", "2026-03-29T00:59:59.000Z"),
        ("2026-03-29 02:00:00", None),
        ("2026-03-29 02:59:59", None),
        ("2026-03-29 03:00:00", "2026-03-29T01:00:00.000Z"),
        ("2026-10-25 01:59:59", "2026-10-24T23:59:59.000Z"),
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00.000Z"),  # the first of two, as Logstash's date filter takes it
        ("2026-10-25 03:00:00", "2026-10-25T02:00:00.000Z"),
    ],
)
@pytest.mark.parametrize("name", ["asterisk-cdr", "freeswitch-csv"])
def test_local_time_that_a_clock_change_skips_is_refused_and_one_that_occurs_twice_is_the_first(
    name: str, local: str, utc: str | None
) -> None:
    layout = replace(LAYOUTS[name], timezone="Europe/Berlin")
    row = next(iter(SAMPLES[name](Random(1), 1)))
    for time in layout.times:
        for index, column in enumerate(layout.columns):
            if column.raw in time.columns and row[index]:
                row[index] = local
    outcome = compile_layout(layout, KEY).mediate(record_of(layout, row))
    if utc is None:
        assert isinstance(outcome, Reject)
        assert outcome.reason == Reason.BAD_TIME
    else:
        assert isinstance(outcome, Record)
        assert outcome.timestamp == utc
