"""Columns of a fleet file: which there are, of which types, and their values as numpy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import UserError
from detectors.panel import Bools, Floats, Ints

KEYS = ("kpi", "service", "entity_type", "entity_id")
PARTS = ("value", "numerator", "denominator", "samples")
MOST = 1e15  # beyond it a double does not count by ones any more: no count, no volume of bytes of a bucket is so large
_NEEDED = ("kpi", "entity_type", "entity_id", "bucket")
_UNITS_A_MS = {"s": 0.001, "ms": 1, "us": 1000, "ns": 1_000_000}


class Coded(NamedTuple):
    """A column of words: indices into `labels`."""

    codes: Ints
    labels: list[str]


def check_schema(schema: Any, path: Path) -> None:
    """Raises UserError where a column is missing or of a type that cannot hold what its name says."""
    missing = [name for name in _NEEDED if name not in schema.names]
    if missing:
        remedy = (
            f"columns are {', '.join((*KEYS, 'bucket', *PARTS, 'state'))}; service, samples and state may be left out"
        )
        raise UserError(f"no column {', '.join(missing)}", where=str(path), remedy=remedy)
    if not {"value", "numerator"} & set(schema.names):
        raise UserError("neither a column value nor numerator and denominator", where=str(path))
    for name in schema.names:
        kind = schema.field(name).type
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        if name in KEYS and not (pa.types.is_string(plain) or pa.types.is_large_string(plain)):
            raise UserError(f"column {name} holds {kind}, not text", where=str(path))
        if name in PARTS and not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
            raise UserError(f"column {name} holds {kind}, not numbers", where=str(path))
    kind = schema.field("bucket").type
    if not (pa.types.is_timestamp(kind) or pa.types.is_int64(kind)):
        remedy = "write a timestamp (UTC), or int64 milliseconds since 1970"
        raise UserError(f"column bucket holds {kind}", where=str(path), remedy=remedy)


def key_columns(file: Any, group: int, path: Path) -> list[Coded]:
    """Key columns of one row group in the order of KEYS; a service that is left out is an empty word.

    A column that holds one word all along, by its statistics, is not read.
    """
    rows = file.metadata.row_group(group).num_rows
    known = {name: _only_word(file, group, name) for name in KEYS}
    names = [name for name, word in known.items() if word is None]
    table = file.read_row_group(group, columns=names) if names else None
    found = []
    for name in KEYS:
        word = known[name]
        same = np.zeros(rows, dtype=np.int32)
        found.append(
            coded(table.column(name), name, path) if table is not None and word is None else Coded(same, [word or ""])
        )
    return found


def _only_word(file: Any, group: int, name: str) -> str | None:
    """The word of a column of words all of whose rows hold the same, None where they may differ."""
    if name not in file.schema_arrow.names:
        return ""
    column = file.metadata.row_group(group).column(file.schema.names.index(name))
    known = column.statistics
    if known is None or not known.has_min_max or not known.has_null_count or known.null_count or known.min != known.max:
        return None
    return str(known.min)


def coded(column: Any, name: str, path: Path) -> Coded:
    """A column of words as indices into its labels. Raises UserError on a null."""
    if column.null_count:
        raise UserError(f"column {name} has rows without a value", where=str(path))
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        if not whole.num_chunks:
            return Coded(np.zeros(0, dtype=np.int64), [])
        whole = whole.chunk(0)
    return Coded(whole.indices.to_numpy(zero_copy_only=False), whole.dictionary.to_pylist())


def bucket_range(file: Any, path: Path) -> tuple[int, int]:
    """Earliest and latest bucket of a file, epoch ms, from its statistics where it has them."""
    check_schema(file.schema_arrow, path)
    place = file.schema.names.index("bucket")
    kind = file.schema_arrow.field("bucket").type
    low, high = [], []
    for group in range(file.metadata.num_row_groups):
        column = file.metadata.row_group(group).column(place)
        known = column.statistics
        if known is not None and known.has_min_max and column.physical_type == "INT64":
            edges = pa.array([known.min_raw, known.max_raw], type=pa.int64())
            found = milliseconds(edges if pa.types.is_int64(kind) else edges.cast(kind))
        else:
            found = milliseconds(file.read_row_group(group, columns=["bucket"]).column("bucket"))
        if len(found):
            low.append(int(found.min()))
            high.append(int(found.max()))
    return min(low), max(high)


def milliseconds(column: Any) -> Ints:
    """Buckets as epoch ms. Raises UserError on a null."""
    if column.null_count:
        raise UserError("a row without a bucket", where="column bucket")
    if pa.types.is_int64(column.type):
        return np.asarray(column.to_numpy(), dtype=np.int64)
    whole = np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)
    per_ms = _UNITS_A_MS[column.type.unit]
    return whole * 1000 if per_ms < 1 else whole if per_ms == 1 else whole // int(per_ms)


def numbers(column: Any) -> Floats:
    """A column of numbers; null, infinite and beyond 10¹⁵ are NaN."""
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    found = np.array(column.cast(pa.float64()).to_numpy(), dtype=float)
    found[~(np.abs(found) <= MOST)] = np.nan
    return found


def equal_to(column: Any, words: tuple[str, ...]) -> Bools:
    """Where a column of words holds one of `words`; null is none of them."""
    found = pc.is_in(column.cast(pa.string()), value_set=pa.array(words, type=pa.string()))
    return np.asarray(found.to_numpy(), dtype=bool)
