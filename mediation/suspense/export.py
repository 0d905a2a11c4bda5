"""Raw lines of rejects as NDJSON or CSV, to be mended elsewhere or sent back to who wrote them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import orjson

from infrastructure.store import Store
from mediation.suspense.states import Selection, place_of

COLUMNS = ("id", "layout", "reason", "column", "detail", "state", "file", "offset", "line", "first_seen", "raw")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def rows(store: Store, selection: Selection) -> Iterator[dict[str, Any]]:
    """The selected rejects as flat rows, keys as in COLUMNS, in order of file and offset. Absent values are None."""
    store.refresh("cdr-reject")
    order = [{"log.file.path": "asc"}, {"log.offset": "asc"}]
    for hit in store.scan("cdr-reject", selection.query(), sort=order):
        source = hit["_source"]
        reject = source.get("reject", {})
        path, _, offset = place_of(source)
        yield {
            "id": hit["_id"],
            "layout": source.get("cdr", {}).get("layout"),
            **{name: reject.get(name) for name in ("reason", "column", "detail", "state")},
            "file": path,
            "offset": offset,
            "line": source.get("log", {}).get("line"),
            "first_seen": source.get("event", {}).get("ingested"),
            "raw": reject.get("raw"),
        }


def as_ndjson(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    """One JSON object a line."""
    for row in found:
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode()


def as_csv(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    """With a header. A text that a spreadsheet would run as a formula gets a `'` before it; NDJSON has it as it is."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in found:
        writer.writerow([_harmless(row[name]) for name in COLUMNS])
        yield out.getvalue()  # the header comes with the first row
        out.seek(0)
        out.truncate()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
