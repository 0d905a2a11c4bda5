"""Writes that are refused (409) when the document was changed since it was read; the bulk ones as text for `Store.bulk_texts`."""

from __future__ import annotations

from typing import Any

import orjson

from infrastructure.bulk import encoded
from infrastructure.exchange import path_of
from infrastructure.store import Operation, Store, Versioned


def create(index: str, key: str, source: dict[str, Any]) -> bytes:
    """Writes a document that must not be there yet."""
    return encoded(Operation("create", index, key, source))


def replace(old: Versioned, source: dict[str, Any]) -> bytes:
    """Writes `source` in place of what was read."""
    return _lines("index", old, source)


def merge(old: Versioned, part: dict[str, Any]) -> bytes:
    """Lays `part` over what was read; the rest of its source stays as it is, byte for byte of meaning."""
    return _lines("update", old, {"doc": part})


def remove(store: Store, old: Versioned) -> None:
    """Deletes what was read; it is fine when it is gone. Raises ConflictError when it was changed meanwhile."""
    store.exchange.ask("DELETE", path_of(old.index, "_doc", old.id), params=_guard(old), allow=(404,))


def _guard(old: Versioned) -> dict[str, Any]:
    return {"if_seq_no": old.seq_no, "if_primary_term": old.primary_term}


def _lines(action: str, old: Versioned, body: dict[str, Any]) -> bytes:
    head = orjson.dumps({action: {"_index": old.index, "_id": old.id, **_guard(old)}})
    return b"%b\n%b\n" % (head, orjson.dumps(body))
