"""A CSV file in pieces: the plain ones as columns (pyarrow), the others line by line (Python's csv), numbered as an editor does.

A piece is plain when every line of it has as many cells as the header and none is quoted, empty, overlong or no UTF-8.
Python's csv is the definition, and a test holds the two together.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as columnar

from contracts.errors import UserError
from usage.records.batch import columns_of
from usage.records.columns import Columns

CHUNK_BYTES = 5 << 20  # some 60,000 lines: the sums are written seldom enough, and a chunk takes a second or two
LONGEST_LINE = 64 << 20
LONGEST_CELL = 65_536
_FIRST_BYTES = 4096
_BOM = b"\xef\xbb\xbf"


class Chunk(NamedTuple):
    """Some lines: either `plain` columns, or `lines` of cells. `numbers`: physical line at which each ends.

    `errors`: what was wrong with lines that have no cells, by place.
    """

    numbers: Sequence[int]
    plain: Columns | None
    lines: Sequence[list[str]]
    errors: Mapping[int, str]

    @property
    def size(self) -> int:
        return len(self.numbers)

    def cells(self, places: Sequence[int]) -> list[list[str]]:
        """Cells of the lines at these places."""
        if self.plain is None:
            return [self.lines[place] for place in places]
        chosen = pa.array(places, pa.int64())
        return [
            list(row)
            for row in zip(*(pc.take(cells, chosen).to_pylist() for cells in self.plain.values()), strict=True)
        ]

    def columns(self, header: Sequence[str]) -> tuple[Columns | None, Sequence[int]]:
        """Lines as wide as the header by column, and at which places they are; None where they hold what is no text."""
        if self.plain is not None:
            return self.plain, range(self.size)
        places = [place for place, cells in enumerate(self.lines) if len(cells) == len(header)]
        return columns_of(header, [self.lines[place] for place in places]), places


class ChunkReader:
    """The lines of an open file. `header` first, then `chunks`."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._rest = b""  # read, and not yet looked at
        self._ended = False
        self._line = 0  # physical lines that are behind
        self._pending: Iterator[str] = iter(())  # of the block under way
        self._borrowed = False  # whether they are of the block behind it

    def header(self) -> list[str]:
        """Cells of the first line. Raises csv.Error."""
        first = _lines(self._block(_FIRST_BYTES).removeprefix(_BOM))
        self._rest = "".join(first[1:]).encode("utf-8", "surrogateescape") + self._rest
        self._line = len(first[:1])
        return next(csv.reader(first[:1], strict=True), [])

    def chunks(self, header: Sequence[str], *, columnar: bool) -> Iterator[Chunk]:
        """The rest of the file. `columnar`: plain pieces as columns. Raises UserError on a line that never ends."""
        csv.field_size_limit(LONGEST_CELL)
        odd = csv.reader(iter(self._next_line, None), strict=True)
        while block := self._block(CHUNK_BYTES):
            found = plain_columns(header, block) if columnar else None
            if found is None:
                yield self._odd(odd, block)
            else:
                first = self._line + 1
                self._line += len(found[header[0]])
                yield Chunk(range(first, self._line + 1), found, (), {})

    def _odd(self, reader: Any, block: bytes) -> Chunk:
        """A block that Python's csv reads, and as much of the next one as its last line needs."""
        self._pending = iter(_lines(block))
        before = self._line - reader.line_num
        lines: list[list[str]] = []
        numbers: list[int] = []
        errors: dict[int, str] = {}
        self._borrowed = False
        while not self._borrowed and self._pending.__length_hint__():  # type: ignore[attr-defined] # of a list's iterator
            try:
                lines.append(next(reader))
            except csv.Error as error:
                errors[len(lines)] = str(error)
                lines.append([])
            numbers.append(before + reader.line_num)
        self._line = before + reader.line_num
        self._rest = "".join(self._pending).encode("utf-8", "surrogateescape") + self._rest
        return Chunk(numbers, None, lines, errors)

    def _next_line(self) -> str | None:
        """Of the block under way; the next block's where a quoted cell goes on."""
        line = next(self._pending, None)
        if line is None and (block := self._block(CHUNK_BYTES)):
            self._pending, self._borrowed = iter(_lines(block)), True
            line = next(self._pending)
        return line

    def _block(self, size: int) -> bytes:
        """Whole lines, about so many bytes; empty at the end of the file."""
        while not self._ended and (len(self._rest) < size or not _cut(self._rest)):
            more = self._file.read(size)
            self._ended = not more
            self._rest += more
            if len(self._rest) > size + LONGEST_LINE and not _cut(self._rest):
                what = f"a line is longer than {LONGEST_LINE >> 20} MiB"
                raise UserError(what, where=f"{self._name}:{self._line + 1}", remedy="is it a CSV file at all?")
        cut = len(self._rest) if self._ended else _cut(self._rest)
        block, self._rest = self._rest[:cut], self._rest[cut:]
        return block


def _lines(block: bytes) -> list[str]:
    """As Python's csv wants them: with their ends, whichever they are."""
    return io.StringIO(block.decode("utf-8", "surrogateescape"), newline="").readlines()


def _cut(block: bytes) -> int:
    """Where the last whole line ends. A carriage return at the end may be half of a line end."""
    return max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1


def plain_columns(header: Sequence[str], block: bytes) -> Columns | None:
    """Cells by column; None unless the block is plain."""
    if b"\r" in block:
        if block.count(b"\r") != block.count(b"\r\n"):
            return None
        block = block.replace(b"\r\n", b"\n")
    if b'"' in block or b"\0" in block or b"\n\n" in block or block.startswith(b"\n"):
        return None
    try:
        table = columnar.read_csv(
            pa.BufferReader(block),
            columnar.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=list(header)),
            columnar.ParseOptions(quote_char=False, ignore_empty_lines=False),
            columnar.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:  # another number of cells, or no UTF-8
        return None
    columns = {name: table[name].combine_chunks() for name in header}
    longest = max(pc.max(pc.binary_length(cells)).as_py() or 0 for cells in columns.values())
    return columns if longest <= LONGEST_CELL else None
