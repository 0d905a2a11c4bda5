"""A stream cut into raw records with their offsets and numbers. Memory is flat in the size of the file and of a record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from mediation.collect import Line, LongLine, physical_lines
from mediation.formats import ts32297
from mediation.formats.encodings import transcoded_lines
from mediation.formats.object_cut import object_records
from mediation.layout import Layout

BOM = b"\xef\xbb\xbf"
# A line of column types, as CUCM writes it below the header: INTEGER,"VARCHAR(50)",UNIQUEIDENTIFIER.
TYPE_LINE = r'"?[A-Z]+(?:\([0-9]+\))?"?(?:{separator}"?[A-Z]+(?:\([0-9]+\))?"?)*'


def records(layout: Layout, stream: BinaryIO, limit: int, prefix: bytes = b"") -> Iterator[Line]:
    """Offset, number from 1 and bytes (UTF-8, without line end) of each record, headers and blank lines of text among them.

    A record longer than `limit` bytes is a `LongLine`, whose digest is that of `prefix` and all of it. Lines of types are
    left out. The offset counts bytes of `stream`. Raises what reading the stream raises, after every record that was whole.
    """
    form = layout.format
    if form.kind == "ber":
        return ts32297.records(stream, limit, prefix)
    if form.kind == "json" and form.whole_file:
        lines = object_records(stream, limit, prefix)
    elif layout.encoding != "utf-8":
        lines = transcoded_lines(layout.encoding, stream, limit, prefix)
    else:
        lines = physical_lines(stream, limit, prefix)
    if not layout.headed:
        return _without_mark(lines)
    return _without_types(lines, form.separator) if form.header == "names-and-types" else lines


def _without_mark(lines: Iterator[Line]) -> Iterator[Line]:
    """A byte order mark is no part of the first record; a header is known with it and without."""
    for offset, number, raw in lines:
        yield offset, number, raw if offset or isinstance(raw, LongLine) else raw.removeprefix(BOM)
        break
    yield from lines


def type_line(separator: str) -> re.Pattern[str]:
    """What a line of types looks like, and no record does: nothing but names of types in capitals."""
    return re.compile(TYPE_LINE.format(separator=re.escape(separator)))


def _without_types(lines: Iterator[Line], separator: str) -> Iterator[Line]:
    types = re.compile(type_line(separator).pattern.encode() + rb"\r*")
    for line in lines:
        if not types.fullmatch(line[2]):
            yield line
