"""Files that documents name and the ledger does not know: each gets an open row, so that nothing is forgotten before the audit.

On the Logstash route and behind `listen` nobody writes the row of a file. Asked inside Elasticsearch, page by page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.clock import from_epoch_ms, iso
from contracts.ids import joined
from contracts.indices import CDR_INDEX, concrete
from infrastructure.store import Operation, Store
from mediation.books import OPEN

_PAGE = 1000
RECORDS = ",".join(CDR_INDEX.values())
File = tuple[str, str]  # path, fingerprint


def files_of(
    store: Store, indices: str, query: dict[str, Any] | None = None, aggs: dict[str, Any] | None = None
) -> Iterator[tuple[File, dict[str, Any]]]:
    """Files that documents of `indices` name, each with its bucket (`doc_count` and `aggs`), as of the last refresh."""
    sources = [
        {"path": {"terms": {"field": "log.file.path"}}},
        {"fingerprint": {"terms": {"field": "log.file.fingerprint"}}},
    ]
    composite: dict[str, Any] = {"size": _PAGE, "sources": sources}
    body: dict[str, Any] = {"size": 0, "aggs": {"by": {"composite": composite, "aggs": aggs or {}}}}
    if query:
        body["query"] = query
    while True:
        found = store.search(indices, **body).get("aggregations", {}).get("by", {})
        for bucket in found.get("buckets", ()):
            yield (bucket["key"]["path"], bucket["key"]["fingerprint"]), bucket
        if "after_key" not in found:
            return
        composite["after"] = found["after_key"]


def discover(store: Store, since: datetime | None = None) -> int:
    """Opens a row for every file that documents ingested from `since` on name and the ledger does not; returns how many."""
    store.refresh("cdr-reject", *CDR_INDEX.values())
    query = {"range": {"event.ingested": {"gte": iso(since)}}} if since else None
    first = {"min": {"field": "event.ingested"}}
    names = {"terms": {"field": "cdr.layout", "size": 1}}
    services = {"terms": {"field": "service.name", "size": 10}}
    opened = 0
    batch: list[tuple[File, dict[str, Any]]] = []
    for item in files_of(store, f"{RECORDS},cdr-reject", query, {"first": first, "layout": names, "service": services}):
        batch.append(item)
        if len(batch) == _PAGE:
            opened += _open(store, batch)
            batch = []
    opened += _open(store, batch)
    store.refresh("cdr-file")
    return opened


def _open(store: Store, batch: Sequence[tuple[File, dict[str, Any]]]) -> int:
    index, now = concrete("cdr-file"), iso(store.clock())
    there = store.read_back([(index, joined(file)) for file, _ in batch], ["file.state"]) if batch else []
    unknown = [item for item, row in zip(batch, there, strict=True) if row is None]
    return store.write_all(
        Operation("create", index, joined(file), _row(file, bucket, now)) for file, bucket in unknown
    )


def _row(file: File, bucket: dict[str, Any], now: str) -> dict[str, Any]:
    path, fingerprint = file
    about: dict[str, Any] = {"source": str(Path(path).parent), "state": OPEN}
    if bucket["first"]["value"] is not None:
        about["mtime"] = iso(from_epoch_ms(int(bucket["first"]["value"])))
    if layouts := bucket["layout"]["buckets"]:
        about["layout"] = layouts[0]["key"]
    row: dict[str, Any] = {
        "event": {"ingested": now},
        "log": {"file": {"path": path, "fingerprint": fingerprint}},
        "file": about,
    }
    services = [each["key"] for each in bucket["service"]["buckets"]]
    if services:
        row["service"] = {"name": services[0] if len(services) == 1 else services}
    return row
