"""Straight into Elasticsearch: files are mediated as they are made, by the same function as `busyhour ingest`, and removed.

So ids, documents, rejects and books are those that ingesting the files would have given, and doing it twice changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from contracts.errors import InternalError
from datagen.daywork import Row
from datagen.files import CDR_FOLDER
from infrastructure.store import Store
from mediation import ingest
from mediation.report import IngestReport


class Sink(Protocol):
    """What takes delivered files elsewhere: rows as in `deliveries.ndjson`."""

    def take(self, rows: list[Row]) -> None: ...


class StoreSink:
    """Takes the delivered files of `out`. `report`: what became of their lines."""

    def __init__(self, store: Store, out: Path) -> None:
        self.store, self.folder = store, out / CDR_FOLDER
        self.report = IngestReport()

    def take(self, rows: list[Row]) -> None:
        """Files by layout, since some formats have no header to tell. Raises StoreUnavailable and StoreRefused."""
        for layout in dict.fromkeys(row["layout"] for row in rows):
            paths = [self.folder / row["file"] for row in rows if row["layout"] == layout and row["records"]]
            found = ingest(self.store, paths, layout=layout)
            if found.errors:
                raise InternalError(f"a file of our own cannot be ingested: {found.errors[0]}")
            self.report.counts.add(found.counts)
            self.report.seconds += found.seconds
        for row in rows:
            (self.folder / row["file"]).unlink(missing_ok=True)
