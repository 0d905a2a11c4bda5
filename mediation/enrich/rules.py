"""What a layout's enrichment and treatment of personal data must satisfy."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mediation.enrich.numbers import homes
from mediation.layout import Column, Layout


def number_rules(layout: Layout) -> Iterator[str]:
    """What is wrong with `numbers`, one sentence each, beginning with the key."""
    columns = {column.raw: column for column in layout.columns}
    taken = {column.field for column in layout.columns} | {time.field for time in layout.times} | set(layout.constants)
    for index, number in enumerate(layout.numbers):
        where = f"numbers.{index}"
        column = columns.get(number.column)
        if column is None:
            near = difflib.get_close_matches(number.column, columns, n=1)
            yield f"{where}.column: no column {number.column!r}" + (f"; did you mean {near[0]}?" if near else "")
        elif column.type != "keyword":
            yield f"{where}.column: {number.column} is {column.type}; a number to call is a keyword"
        if number.home and number.home not in homes():
            yield f"{where}.home: {number.home!r} is no country with a number plan"
        if not number.fields:
            yield f"{where}: say where it goes: country, type or zone"
        for field in number.fields.values():
            if field in taken:
                yield f"{where}: field {field} is filled twice"
            taken.add(field)


def truncation_rules(where: str, column: Column) -> Iterator[str]:
    """What is wrong with a column's `pii` and `keep_characters`."""
    if (column.pii == "truncate") != bool(column.keep_characters):
        yield f"{where}.keep_characters: belongs to pii: truncate, which needs it"
    if column.pii == "truncate" and (column.type != "keyword" or column.values is not None):
        yield f"{where}.pii: only a keyword without values can be truncated"
