"""The fast way of a line is held to the slow one: the same document, the same place, or no text at all."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.outcomes import Reject
from mediation.collect import LongLine, physical_lines, regions
from mediation.compile import Pace, Record, compile_layout
from mediation.encode import Encode, compile_encoder, head_text, log_text, plain, plain_text
from mediation.golden import KEY
from mediation.lines import without_end
from mediation.load import load_layouts
from mediation.samples import SAMPLES
from mediation.sniff import inspect

LAYOUTS = load_layouts()
PACE = Pace("2026-01-01T00:00:00.000Z", 30.0, 0)
SLOW = {name: compile_layout(layout, KEY, pace=PACE).mediate for name, layout in LAYOUTS.items()}
FAST = {name: encode for name, layout in LAYOUTS.items() if (encode := compile_encoder(layout, KEY, pace=PACE))}
STAMP = "2026-11-21T00:00:00.000Z"
LOG = {"path": '/cdr/a "b".csv', "fingerprint": "f" * 64}
GOLDEN = Path(__file__).parent / "golden"


class _Heads(dict[str, Mapping[str, str]]):
    def __missing__(self, service: str) -> Mapping[str, str]:
        days = _Days(service)
        self[service] = days
        return days


class _Days(dict[str, str]):
    def __init__(self, service: str) -> None:
        self.service = service

    def __missing__(self, day: str) -> str:
        return head_text(f"{self.service}-{day}")


def _fast(encode: Encode, line: str) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
    made = encode(line, 4711, log_text(LOG["path"], LOG["fingerprint"]), STAMP, _Heads())
    if not isinstance(made, tuple):
        return None
    action, document, end = made[1].split("\n")
    assert end == ""
    return made[0], orjson.loads(action), orjson.loads(document)


def _same(encode: Encode, mediate: Callable[[str], Record | Reject], line: str) -> bool:
    """Whether the fast way made a record of a plain line; what it made must be what the slow way makes."""
    fast, slow = _fast(encode, line), mediate(line)
    if not isinstance(slow, Record):
        assert fast is None, line
        return False
    assert fast is not None, line
    timestamp, action, document = fast
    assert timestamp == slow.timestamp
    assert action == {"create": {"_index": f"{slow.service}-{slow.timestamp[:10]}", "_id": slow.id}}
    expected = slow.document
    expected["log"] = {"file": LOG, "offset": 4711}
    expected["event"]["ingested"] = STAMP
    # dumped, since 1, 1.0 and true are the same to Python
    assert orjson.dumps(document, option=orjson.OPT_SORT_KEYS) == orjson.dumps(expected, option=orjson.OPT_SORT_KEYS)
    return True


def test_every_layout_that_is_cut_at_its_separator_has_a_fast_way() -> None:
    assert {"voip-busyhour", "voip-public", "sms-busyhour", "epc-busyhour", "mobile-public"} <= set(FAST)


@pytest.mark.parametrize("name", FAST)
def test_fast_way_gives_the_same_documents_on_the_golden_lines(name: str) -> None:
    path = GOLDEN / name / "input.csv"
    header = inspect(path, LAYOUTS).header
    slow = compile_layout(LAYOUTS[name], KEY, header=header, pace=PACE).mediate
    fast = compile_encoder(LAYOUTS[name], KEY, header=header, pace=PACE)
    lines = [raw for _, _, raw in physical_lines(io.BytesIO(path.read_bytes()), 4096)][1:]
    clean = [raw.decode() for raw in map(without_end, lines) if plain(raw) and not isinstance(raw, LongLine) and raw]
    assert fast is not None
    assert sum(_same(fast, slow, line) for line in clean) >= 2


@given(st.sampled_from(sorted(FAST)), st.integers(0, 2**32).map(Random), st.data())
def test_fast_way_gives_the_same_documents_when_cells_are_hostile(
    name: str, random: Random, data: st.DataObject
) -> None:
    separator = LAYOUTS[name].separator
    words = [
        "",
        "0",
        "-0",
        "007",
        "1.50",
        "-1",
        "1e9",
        "9" * 30,
        "NaN",
        " 1",
        "1_0",
        "+1",
        "2026-02-30",
        "answered",
        "{",
        "\u007f",
    ]
    text = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\' + separator), max_size=8)
    for row in SAMPLES[name](random, 2):
        for position in data.draw(st.lists(st.integers(0, len(row) - 1), max_size=4)):
            row[position] = data.draw(st.one_of(text, st.sampled_from(words)))
        line = separator.join(row)
        if plain(line.encode()):
            _same(FAST[name], SLOW[name], line)


@given(st.binary(max_size=60))
def test_plain_means_that_json_escapes_nothing(block: bytes) -> None:
    if plain(block) and b"\n" not in block:
        assert orjson.dumps(block.decode()) == b'"' + block + b'"'


@given(st.lists(st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"")), min_size=1), st.integers(1, 40))
def test_regions_are_the_lines(lines: list[bytes], limit: int) -> None:
    content = b"\n".join(lines)
    flat = [raw for _, _, region in regions(io.BytesIO(content), limit) for raw in _split(region)]
    assert flat == [raw for _, _, raw in physical_lines(io.BytesIO(content), limit)]


def _split(region: bytes) -> list[bytes]:
    return [region] if isinstance(region, LongLine) else region.split(b"\n")


@given(
    st.lists(st.text(st.characters(min_codepoint=13, max_codepoint=90), max_size=9), min_size=1),
    st.sampled_from(["\n", "\r\n"]),
)
def test_plain_text_gives_back_the_lines_and_their_width(lines: list[str], end: str) -> None:
    region = end.join(lines) + end.removesuffix("\n")
    text, width = plain_text(region.encode())
    if text:
        assert text.split("\n") == lines
        assert width == len(end)
