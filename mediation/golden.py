"""Golden pairs: a file of ordinary, odd and broken lines beside what becomes of each, in every layout.

`python -m mediation.golden tests/mediation/golden` writes each `expected.ndjson` anew; read the difference before you keep it.
A line of it: `line` (number in the file), `index` (alias), `id`, `document` without `event.ingested` and `log.file`, which name
the run and the place of the file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from contracts.errors import UserError
from contracts.indices import CDR_INDEX
from mediation.books import Book
from mediation.compile import Record, compile_layout
from mediation.formats import records
from mediation.layout import Layout
from mediation.lines import judge, no_data, without_end
from mediation.load import load_layouts
from mediation.settle import Line, reject_document, reject_prefix
from mediation.sniff import inspect

KEY = b"golden key, no secret"
LIMIT = 4096  # bytes of a line, so that a line too long stays readable


def outcomes(
    path: Path, layouts: Mapping[str, Layout], *, key: bytes = KEY, limit: int = LIMIT
) -> Iterator[dict[str, Any]]:
    """What becomes of each data line of a file, without a store. Raises UserError when the file cannot be read."""
    source = inspect(path, layouts)
    if source.layout is None:
        raise UserError("is empty", where=str(path))
    book = Book(source)
    outcome = judge(compile_layout(source.layout, key, header=source.header), limit)
    skipped = no_data(source.header_line)
    with source.open() as stream:
        for offset, number, found in records(source.layout, stream, limit, reject_prefix(source.layout.name)):
            raw = without_end(found)
            if raw in skipped:
                continue
            made = outcome(raw)
            if isinstance(made, Record):
                document = {**made.document, "log": {"offset": offset}}
                yield {"line": number, "index": CDR_INDEX[made.service], "id": made.id, "document": document}
            else:
                key_of_reject, document = reject_document(Line(book, offset, number, raw, made), made, "")
                del document["event"]
                document["log"] = {"offset": offset, "line": number}
                yield {"line": number, "index": "cdr-reject", "id": key_of_reject, "document": document}


def written(path: Path, layouts: Mapping[str, Layout]) -> bytes:
    """Content of `expected.ndjson` for the input at `path`."""
    return b"".join(
        orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for row in outcomes(path, layouts)
    )


def main(folder: Path) -> None:
    """Writes the expected side of every pair in `folder`."""
    layouts = load_layouts()
    for path in sorted(folder.glob("*/input.*")):
        path.with_name("expected.ndjson").write_bytes(written(path, layouts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
