"""The fastest ways we know to write columns as CSV: what the generator's rate is held against.

A writer is given the columns in memory, as its own library reads them from the text of the same rows: numbers as numbers, words
as words or as codes of a dictionary. It draws nothing.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Write = Callable[[Path], None]
SLOW_ROWS = 100_000  # for writers so slow that more rows tell nothing more


def writers(header: bytes, lines: bytes) -> tuple[dict[str, tuple[Write, int]], list[str]]:
    """Writers by name, each with the rows that one call writes, and what could not be imported.

    `lines`: the rows as text. `polars texts` gets columns that are texts already: shown, no measure, since nothing is formatted.
    """
    found: dict[str, tuple[Write, int]] = {}
    missing = []
    for name, make in (("polars", _polars), ("pyarrow", _pyarrow), ("pandas", _pandas)):
        try:
            library = import_module("pyarrow.csv" if name == "pyarrow" else name)
        except ImportError:
            missing.append(name)
            continue
        found |= make(library, header, lines)
    return found, missing


def _polars(pl: Any, header: bytes, lines: bytes) -> dict[str, tuple[Write, int]]:
    frame = pl.read_csv(header + lines, infer_schema_length=None)
    words = [name for name, kind in frame.schema.items() if kind == pl.String]
    coded = frame.with_columns([pl.col(name).cast(pl.Categorical) for name in words])
    texts = pl.read_csv(header + lines, infer_schema=False)
    return {
        "polars": (lambda path: frame.write_csv(path), frame.height),
        "polars never quoting": (lambda path: frame.write_csv(path, quote_style="never"), frame.height),
        "polars dictionaries": (lambda path: coded.write_csv(path, quote_style="never"), frame.height),
        "polars texts": (lambda path: texts.write_csv(path, quote_style="never"), frame.height),
    }


def _pyarrow(csv: Any, header: bytes, lines: bytes) -> dict[str, tuple[Write, int]]:
    table = csv.read_csv(io.BytesIO(header + lines))
    options = csv.WriteOptions(quoting_style="none")
    return {"pyarrow": (lambda path: csv.write_csv(table, str(path), options), table.num_rows)}


def _pandas(pd: Any, header: bytes, lines: bytes) -> dict[str, tuple[Write, int]]:
    frame = pd.read_csv(io.BytesIO(header + lines), nrows=SLOW_ROWS, keep_default_na=False)
    return {"pandas": (lambda path: frame.to_csv(path, index=False), len(frame))}
