"""Moving rejects from state to state. Every change is guarded: what somebody moved meanwhile is read again first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from contracts.clock import iso
from contracts.errors import ConflictError, StoreRefused
from contracts.ids import joined
from contracts.indices import CDR_INDEX, concrete
from infrastructure import guarded
from infrastructure.store import Operation, Store, Versioned
from mediation.suspense.states import RECYCLED, place_of, state_of

Change = Callable[[dict[str, Any]], dict[str, Any] | None]  # a reject document → what replaces it, None: leave it
_TRIES = 10


def recycled(became: str, by: str, stamp: str) -> Change:
    """The line is a record by now. `became`: indexed, or duplicate. Wins over whatever the state was."""

    def change(source: dict[str, Any]) -> dict[str, Any] | None:
        if state_of(source) == RECYCLED:
            return None
        moved = {"state": RECYCLED, "moved": stamp, "by": by, "became": became}
        kept = {name: value for name, value in source["reject"].items() if name != "why"}
        return {**source, "reject": {**kept, **moved}}

    return change


def move(store: Store, changes: Iterable[tuple[Versioned, Change]]) -> int:
    """Makes the changes; those of documents that somebody changed meanwhile are made anew. Returns how many were written.

    Raises ConflictError when a document never stands still.
    """
    written, waiting = 0, list(changes)
    for _ in range(_TRIES):
        pairs = [(row, change, source) for row, change in waiting if (source := change(row.source)) is not None]
        if not pairs:
            return written
        results = store.bulk_texts([guarded.replace(row, source) for row, _, source in pairs])
        for (row, _, _), result in zip(pairs, results, strict=True):
            if result.refused:
                raise StoreRefused(f"document refused: {result.error}", where=f"{row.index}/{row.id}")
        written += sum(result.created for result in results)
        lost = [(row, change) for (row, change, _), result in zip(pairs, results, strict=True) if result.exists]
        now = store.read_back([(row.index, row.id) for row, _ in lost]) if lost else []
        waiting = [(row, change) for row, (_, change) in zip(now, lost, strict=True) if row is not None]
    raise ConflictError(f"{len(waiting)} documents change too often: {_TRIES} tries", remedy="try again")


def recorded(store: Store, rejects: Sequence[Versioned]) -> set[str]:
    """Ids of the rejects whose very line is a record in the store: written by a run that died, or by reading its file again."""
    places = {place_of(reject.source): reject.id for reject in rejects}
    files: dict[tuple[str, str], list[int]] = {}
    for path, fingerprint, offset in places:
        if path:
            files.setdefault((path, fingerprint), []).append(offset)
    if not files:
        return set()
    clauses = [
        {
            "bool": {
                "filter": [
                    {"term": {"log.file.path": path}},
                    {"term": {"log.file.fingerprint": fingerprint}},
                    {"terms": {"log.offset": offsets}},
                ]
            }
        }
        for (path, fingerprint), offsets in files.items()
    ]
    query = {"bool": {"should": clauses, "minimum_should_match": 1}}
    hits = store.scan(",".join(CDR_INDEX.values()), query, ["log"])
    return {places[place] for hit in hits if (place := place_of(hit["_source"])) in places}


def note(store: Store, who: str, what: str, about: str, detail: str) -> None:
    """A line of the audit trail, written before the deed."""
    now = store.clock()
    document = {
        "@timestamp": iso(now),
        "audit": {"who": who, "what": what, "object": about[:500], "detail": detail},
    }
    key = joined((iso(now), who, what, about, detail))
    store.write_all([Operation("create", store.place("audit", now), key, document)])


def row_id(path: str, fingerprint: str) -> str:
    """Id of a file's row in cdr-file."""
    return joined((path, fingerprint))


def rows(store: Store, files: Sequence[tuple[str, str]]) -> list[Versioned | None]:
    """Rows of files (path, fingerprint) in the ledger, same order."""
    index = concrete("cdr-file")
    return store.read_back([(index, row_id(*file)) for file in files])
