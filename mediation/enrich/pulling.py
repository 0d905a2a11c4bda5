"""A reference table from an index: written as the CSV file that both runners read."""

from __future__ import annotations

import csv
import difflib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.errors import DefinitionError, OperatorError, UserError
from infrastructure.store import Store
from mediation.enrich.references import Fill, fills, read_table, table_names


def pull(store: Store, index: str, table: str, folder: Path) -> int:
    """Writes `folder/TABLE.csv` from the documents of `index`, sorted by key, whole or not at all; how many rows.

    A document's fields have the names of the columns; one without the key is left out. Raises UserError on an unknown table,
    DefinitionError on an index that makes no table, OperatorError when the file cannot be written, and what the store raises.
    """
    fill = next((fill for fill in fills() if fill.table == table), None)
    if fill is None:
        near = difflib.get_close_matches(table, table_names(), n=1)
        raise UserError(f"unknown table {table!r}" + (f"; did you mean {near[0]}?" if near else ""), where="TABLE")
    rows = _rows(store, index, fill)
    path = folder / f"{table}.csv"
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(_text(fill, rows), encoding="utf-8")
        read_table(draft, fill.key, fill.types)
        draft.replace(path)
    except OSError as error:
        raise OperatorError(f"cannot be written: {error.strerror}", where=str(path)) from error
    finally:
        draft.unlink(missing_ok=True)
    return len(rows)


def _rows(store: Store, index: str, fill: Fill) -> dict[str, list[str]]:
    columns = (fill.key, *fill.types)
    rows: dict[str, list[str]] = {}
    for hit in store.scan(index, fields=columns, foreign=True):
        row = [_cell(hit["_source"], column, f"{index}, document {hit['_id']}") for column in columns]
        if row[0] and rows.setdefault(row[0], row) != row:
            raise DefinitionError(f"{fill.key} {row[0]!r} has two different documents", where=index)
    if not rows:
        raise DefinitionError(f"no document of it has the field {fill.key}", where=index)
    return rows


def _cell(source: Mapping[str, Any], column: str, where: str) -> str:
    value = source.get(column)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DefinitionError(f"{column}: {value!r} is neither a text nor a whole number", where=where)
    text = str(value).strip()
    if "\n" in text or "\r" in text:
        raise DefinitionError(f"{column}: {text!r} has several lines", where=where)
    return text


def _text(fill: Fill, rows: Mapping[str, list[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((fill.key, *fill.types))
    writer.writerows(row for _, row in sorted(rows.items()))
    return out.getvalue()
