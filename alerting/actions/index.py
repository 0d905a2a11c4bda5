"""`index`: a document of the watch's own making, written under the notice's id, so that a second try changes nothing."""

from __future__ import annotations

from typing import Any

from alerting.alert import Notice, Outcome, Status
from alerting.inputs import nested
from alerting.template import as_json, render_all
from contracts.clock import iso
from contracts.errors import StoreRefused
from infrastructure.store import Operation, Store


class IndexAction:
    def __init__(self, store: Store) -> None:
        self._store = store

    def destination(self, notice: Notice) -> str:
        return ""

    def perform(self, notice: Notice) -> Outcome:
        """Raises StoreRefused when the index does not take the document, such as an unknown field."""
        rendered: dict[str, Any] = render_all(notice.config["document"], notice.context)
        document = {"@timestamp": iso(notice.at), **nested(rendered)}
        place = self._store.place(notice.config["index"], notice.at)
        (result,) = self._store.bulk([Operation("create", place, notice.id, document)])
        if result.refused:
            raise StoreRefused(f"document refused: {result.error}", where=f"{place}/{notice.id}")
        return Outcome(Status.SENT, f"{place}/{notice.id}", as_json(document))
