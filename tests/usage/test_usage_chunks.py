"""A file in pieces: by column or line by line, whatever the size of a piece, the lines are as Python's csv reads them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.errors import UserError
from usage.importing import chunks
from usage.importing.chunks import ChunkReader, plain_columns

HEADER = ["a", "b"]
CELL = st.sampled_from(["", "1", "x", "É", '"', '""', '"q"', '"c,', '\n"', ",", " ", "\udcff", "\0", "\\", "7" * 40])
LINE_END = st.sampled_from(["\n", "\n", "\r\n", "\r", ""])
TEXT = st.lists(st.tuples(CELL, st.sampled_from([",", ",", "", ",,"]), CELL, LINE_END).map("".join), max_size=12).map(
    "".join
)


def at_once(text: str) -> list[tuple[int, list[str] | str]]:
    """(number, cells, or what is wrong) of every line, as Python's csv reads the whole."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, list[str] | str]] = []
    while True:
        try:
            cells: list[str] | str = next(reader)
        except StopIteration:
            return found
        except csv.Error as error:
            cells = str(error)
        found.append((reader.line_num + 1, cells))


def in_pieces(text: str, *, columnar: bool) -> list[tuple[int, list[str] | str]]:
    reader = ChunkReader(io.BytesIO(f"a,b\n{text}".encode("utf-8", "surrogateescape")), "file")
    assert reader.header() == HEADER
    found: list[tuple[int, list[str] | str]] = []
    for chunk in reader.chunks(HEADER, columnar=columnar):
        for place, cells in enumerate(chunk.cells(range(chunk.size))):
            found.append((chunk.numbers[place], chunk.errors.get(place, cells)))
    return found


@given(TEXT, st.integers(1, 60), st.booleans())
@example("1,2\n3,4\r\n5,6", 8, True)
@example('1,"2\n3\n",\n4,5\n', 3, True)
@example('1,"2\n3\n4\n5",\n6,7', 2, False)
@example("1,2\r", 4, True)
def test_pieces_hold_the_lines_of_the_file(text: str, size: int, columnar: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_BYTES", size)
        assert in_pieces(text, columnar=columnar) == at_once(text)


def test_plain_lines_go_by_column_and_others_do_not() -> None:
    found = plain_columns(HEADER, b"1,\xc3\x89\n,NULL\n")
    assert found is not None
    assert {name: cells.to_pylist() for name, cells in found.items()} == {"a": ["1", ""], "b": ["É", "NULL"]}
    for odd in (b'1,"2"\n', b"1\n", b"1,2,3\n", b"1,2\n\n", b"1,\xff\n", b"1,2\r3,4\n", b"1," + b"x" * 70_000):
        assert plain_columns(HEADER, odd) is None


def test_line_that_never_ends_is_an_error_and_not_the_end_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LONGEST_LINE", 1000)
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 100)
    with pytest.raises(UserError, match="longer than"):
        in_pieces("x" * 5000, columnar=True)


def test_header_may_begin_with_a_byte_order_mark_and_end_as_windows_does() -> None:
    reader = ChunkReader(io.BytesIO(b"\xef\xbb\xbfa,b\r\n1,2\r\n"), "file")
    assert reader.header() == HEADER
    (chunk,) = reader.chunks(HEADER, columnar=True)
    assert (chunk.plain is not None, list(chunk.numbers), chunk.cells([0])) == (True, [2], [["1", "2"]])
