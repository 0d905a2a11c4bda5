"""What became of a file's rejected lines, in its row of the ledger.

A row keeps how lines were *delivered*: lines = indexed + duplicate + rejected. `recycled` and `discarded` are later movements of
the rejected ones: suspended = rejected − recycled − discarded. They are counted from cdr-reject, where a line has one document
however often it came; so it moves in the books of the file it was first seen in, and stays a duplicate in the others'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from infrastructure.store import Store
from mediation.suspense.moving import Change, move, rows
from mediation.suspense.states import DISCARDED, RECYCLED

_PAGE = 1000
File = tuple[str, str]  # path, fingerprint


@dataclass(slots=True)
class Movement:
    """Rejects first seen in one file. `rejected`: all, whatever became of them; `indexed`: recycled, and a record from here."""

    rejected: int = 0
    recycled: int = 0
    indexed: int = 0
    discarded: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def suspended(self) -> int:
        return self.rejected - self.recycled - self.discarded

    def add(self, other: Movement) -> None:
        """Sums up."""
        self.rejected += other.rejected
        self.recycled += other.recycled
        self.indexed += other.indexed
        self.discarded += other.discarded
        for reason, count in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count

    def fields(self) -> dict[str, Any]:
        """As fields of a row, those that are not zero."""
        counts = {RECYCLED: self.recycled, DISCARDED: self.discarded}
        found: dict[str, Any] = {name: count for name, count in counts.items() if count}
        return {**found, "reasons": dict(sorted(self.reasons.items()))} if self.reasons else found


def movements(store: Store, files: Sequence[File] | None = None) -> Iterator[tuple[File, Movement]]:
    """Movement of each file that has rejects (of `files`, else of all), counted in Elasticsearch, as of the last refresh."""
    for file, buckets in groupby(_buckets(store, files), key=lambda bucket: (bucket["path"], bucket["fingerprint"])):
        movement = Movement()
        for bucket in buckets:
            count = int(bucket["count"])
            movement.rejected += count
            movement.recycled += count if bucket["state"] == RECYCLED else 0
            movement.indexed += count if bucket["became"] == "indexed" else 0
            movement.discarded += count if bucket["state"] == DISCARDED else 0
            reason = str(bucket["reason"] or "")
            movement.reasons[reason] = movement.reasons.get(reason, 0) + count
        if files is None or file in files:
            yield file, movement


def _buckets(store: Store, files: Sequence[File] | None) -> Iterator[dict[str, Any]]:
    """Counts by file, state and reason, in order of files."""
    keys = {
        "path": "log.file.path",
        "fingerprint": "log.file.fingerprint",
        "state": "reject.state",
        "became": "reject.became",
        "reason": "reject.reason",
    }
    sources = [{name: {"terms": {"field": where, "missing_bucket": True}}} for name, where in keys.items()]
    composite: dict[str, Any] = {"size": _PAGE, "sources": sources}
    body: dict[str, Any] = {"size": 0, "aggs": {"by": {"composite": composite}}}
    if files is not None:
        body["query"] = {"terms": {"log.file.path": sorted({path for path, _ in files})}}
    while True:
        answer = store.search("cdr-reject", **body).get("aggregations", {}).get("by", {})
        for bucket in answer.get("buckets", ()):
            key = {name: "" if value is None else value for name, value in bucket["key"].items()}
            yield {**key, "count": bucket["doc_count"]}
        if "after_key" not in answer:
            return
        composite["after"] = answer["after_key"]


def balance(store: Store, files: Sequence[File] | None = None) -> int:
    """Writes movements into the rows that do not show them yet; returns how many rows changed.

    A pure function of cdr-reject, so that a run that died half-way is mended by the next one, whatever that is about.
    """
    store.refresh("cdr-reject")
    changed = 0
    batch: list[tuple[File, Movement]] = []
    for item in movements(store, files):
        batch.append(item)
        if len(batch) == _PAGE:
            changed += _write(store, batch)
            batch = []
    return changed + _write(store, batch)


def _write(store: Store, batch: Sequence[tuple[File, Movement]]) -> int:
    """A file whose row nobody has opened yet is left to the audit."""
    found = rows(store, [file for file, _ in batch]) if batch else []
    pairs = zip(found, batch, strict=True)
    return move(store, [(row, _change(movement)) for row, (_, movement) in pairs if row is not None])


def _change(movement: Movement) -> Change:
    def change(source: dict[str, Any]) -> dict[str, Any] | None:
        file = {name: value for name, value in source["file"].items() if name not in (RECYCLED, DISCARDED)}
        fields = movement.fields()
        if "lines" not in file:  # open: nothing is counted yet
            fields.pop("reasons", None)
        moved = {**source, "file": {**file, **fields}}
        return None if moved == source else moved

    return change
