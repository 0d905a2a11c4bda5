"""A region of whole lines as columns of cells; lines that are not plain are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from mediation.columns.values import Arrow, Indices

# What JSON escapes, quoting means, or no file should hold, and all that is not ASCII; a line feed ends the line.
_ODD = bytes([*range(10), *range(11, 32), 34, 92, 127])
_NOT_PLAIN = np.array([byte in _ODD or byte > 127 for byte in range(256)])


class Lines(Sequence[bytes]):
    """The lines of a text, cut apart when one of them is asked for: mostly none is."""

    def __init__(self, text: bytes, count: int) -> None:
        self._text, self._count = text, count

    @cached_property
    def _lines(self) -> list[bytes]:
        return self._text.split(b"\n")

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        return self._lines[at]


@dataclass(frozen=True, slots=True)
class Cut:
    """`lines`: all of them, `starts`: where in the region each begins; `plain`: positions of the plain ones, `cells`: theirs, a
    column for each cell.
    """

    lines: Sequence[bytes]
    starts: Indices
    plain: Indices
    cells: Sequence[Arrow]


def cut(region: bytes, separator: str, count: int, *, strip: bool = False) -> Cut:
    """`region`: whole lines with line feeds between them, none behind the last. `count`: cells that a line must have.

    A plain line is ASCII without quotes, backslashes and control characters, and has `count` cells. One carriage return at its
    end is no part of a line.
    """
    starts = np.concatenate(([0], _ends(region)[:-1] + 1))
    text = region.replace(b"\r\n", b"\n").removesuffix(b"\r") if b"\r" in region else region
    lines = Lines(text, len(starts))
    cells, plain = None, np.arange(len(lines))
    if text.isascii() and len(text.translate(None, _ODD)) == len(text):
        with suppress(pa.ArrowInvalid):  # a line with more cells or fewer
            cells = _cells(text, separator, count, strip)
    if cells is None or len(cells[0]) != len(lines):  # a blank line at the end is none to the reader
        plain = _plain(text, _ends(text), separator, count)
        cells = _cells(b"\n".join([lines[at] for at in plain.tolist()]), separator, count, strip) if plain.size else []
    return Cut(lines, starts, plain, cells)


def _plain(text: bytes, ends: Indices, separator: str, count: int) -> Indices:
    """Lines that have nothing odd in them and as many cells as they must."""
    octets = np.frombuffer(text, np.uint8)
    cells = _counted(octets == ord(separator), ends) == count - 1
    return np.flatnonzero(cells & (_counted(_NOT_PLAIN[octets], ends) == 0))


def _ends(text: bytes) -> Indices:
    """Where each line ends."""
    return np.append(np.flatnonzero(np.frombuffer(text, np.uint8) == 10), len(text)).astype(np.int64)


def _counted(marks: npt.NDArray[np.bool_], ends: Indices) -> Indices:
    """How many marks each line has."""
    return np.diff(np.searchsorted(np.flatnonzero(marks), ends), prepend=0)


def _cells(text: bytes, separator: str, count: int, strip: bool) -> list[Arrow]:
    names = [str(index) for index in range(count)]
    table = csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
        csv.ParseOptions(
            delimiter=separator, quote_char=False, escape_char=False, newlines_in_values=False, ignore_empty_lines=False
        ),
        csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False),
    )
    columns = [column.combine_chunks() for column in table.columns]
    columns = [column.chunk(0) if isinstance(column, pa.ChunkedArray) else column for column in columns]
    return [pc.ascii_trim(column, " ") for column in columns] if strip else columns
