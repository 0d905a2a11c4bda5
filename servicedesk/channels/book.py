"""Index `interaction`: everything that was said, kept once, and its state changed by guarded writes only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from contracts.clock import Clock, iso, utc_now
from contracts.errors import StoreRefused
from infrastructure.store import Operation, Store
from servicedesk.channels.language import detect
from servicedesk.channels.message import INBOUND, OUTBOUND, RECEIVED, Inbound
from servicedesk.channels.words import one_line

INDEX = "interaction"
Document = dict[str, Any]


class Interactions:
    """Interactions in the store. Their documents are what contracts/fields/contact.py declares."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self.store, self.clock = store, clock

    def keep(self, key: str, document: Document) -> bool:
        """Writes one unless it is there; whether it was written now. Raises StoreRefused on a document that is none."""
        (result,) = self.store.bulk([Operation("create", self.store.place(INDEX), key, document)])
        if result.refused:
            raise StoreRefused(f"interaction refused: {result.error}", where=f"{INDEX}/{key}")
        return bool(result.created)

    def get(self, key: str) -> Document | None:
        found = self.store.get(INDEX, key)
        return None if found is None else found.source

    def mark(self, key: str, *, unless: str = "", **values: Any) -> Document:
        """Sets fields of `interaction`; `customer` and `conversation` too. The document as it is then.

        `unless`: one of this status is left as it is.
        """

        def marked(source: Document) -> Document | None:
            if unless and source[INDEX]["status"] == unless:
                return None
            after = _with(source, values)
            return None if after == source else {**after, "event": {"ingested": iso(self.clock())}}

        return self.store.modify(INDEX, key, marked)

    def outbound(self, channel: str, external_id: str) -> str:
        """Our key of what we sent under an id of the other system; "" when there is none."""
        if not external_id:
            return ""
        self.store.refresh(INDEX)
        wanted = {"channel": channel, "direction": OUTBOUND, "external_id": external_id}
        filters = [{"term": {f"interaction.{name}": value}} for name, value in wanted.items()]
        hits = self.store.search(INDEX, query={"bool": {"filter": filters}}, size=1, _source=False)["hits"]["hits"]
        return str(hits[0]["_id"]) if hits else ""

    def known(self, ids: Sequence[str]) -> dict[str, Document]:
        """Those of several that are there."""
        return {key: row.source for key, row in self.store.get_many(INDEX, ids).items()}

    def list(
        self,
        *,
        channel: str = "",
        customer: str = "",
        ticket: str = "",
        conversation: str = "",
        status: str = "",
        direction: str = "",
        sender: str = "",
        limit: int = 100,
        refreshed: bool = True,
    ) -> list[Document]:
        """Newest first, each with its id as `id`. `refreshed`: with what was written just now, which wants the right to it."""
        if refreshed:
            self.store.refresh(INDEX)
        wanted = {"channel": channel, "ticket": ticket, "conversation": conversation, "status": status}
        wanted |= {"direction": direction, "sender": sender}
        filters = [{"term": {f"interaction.{name}": value}} for name, value in wanted.items() if value]
        filters += [{"term": {"customer.id": customer}}] if customer else []
        sort = [{"@timestamp": "desc"}, {"interaction.external_id": "asc"}]
        answer = self.store.search(INDEX, query={"bool": {"filter": filters}}, size=limit, sort=sort)
        return [{"id": hit["_id"], **hit["_source"]} for hit in answer["hits"]["hits"]]

    def counts(self, since: datetime) -> Sequence[Document]:
        """`channel`, `direction`, `status`, `count` of what happened since then."""
        self.store.refresh(INDEX)
        table = self.store.esql(
            f"FROM {INDEX} | WHERE @timestamp >= TO_DATETIME(?) | STATS count = COUNT(*) "
            "BY channel = interaction.channel, direction = interaction.direction, status = interaction.status "
            "| SORT channel, direction, status",
            [since],
        )
        return [dict(zip(table.columns, row, strict=True)) for row in table.rows]

    def taken_of(self, sender: str, now: datetime, within: timedelta) -> int:
        """Messages of a sender that were taken lately."""
        self.store.refresh(INDEX)
        filters = [
            {"term": {"interaction.sender": sender}},
            {"term": {"interaction.direction": INBOUND}},
            {"range": {"event.ingested": {"gt": iso(now - within)}}},
        ]
        bounced = [{"terms": {"interaction.status": ["bounced", "refused"]}}]
        return self.store.count(INDEX, {"bool": {"filter": filters, "must_not": bounced}})

    def unfinished(self) -> Iterator[tuple[str, Document]]:
        """Received, but not filed: what a killed process left behind."""
        self.store.refresh(INDEX)
        for hit in self.store.scan(INDEX, {"term": {"interaction.status": RECEIVED}}):
            yield hit["_id"], hit["_source"]


def document(message: Inbound, now: datetime, *, status: str, reason: str = "") -> Document:
    """An inbound message as it is kept first."""
    body: Document = {
        "channel": message.channel,
        "direction": INBOUND,
        "status": status,
        "reason": reason,
        "external_id": one_line(message.external_id),
        "sender": one_line(message.sender).casefold(),
        "recipient": one_line(message.recipient).casefold(),
        "name": one_line(message.name),
        "subject": one_line(message.subject),
        "text": message.text,
        "language": detect(message.text),
        "references": [one_line(each) for each in message.references],
        "ticket": message.ticket,
        "bytes": message.size,
    }
    if message.attachments:
        rows = [{"name": a.name, "type": a.type, "bytes": a.size, "sha256": a.sha256} for a in message.attachments]
        body["attachments"] = orjson.dumps(rows).decode()
    return {
        "@timestamp": iso(message.at),
        "event": {"ingested": iso(now)},
        INDEX: {name: value for name, value in body.items() if value not in ("", [])},
    }


def _with(source: Document, values: Mapping[str, Any]) -> Document:
    own = dict(values)
    customer = own.pop("customer", None)
    call = own.pop("call", None)
    after = {**source, INDEX: {**source[INDEX], **own}}
    after |= {"customer": {"id": customer}} if customer else {}
    return after | ({"call": {**source.get("call", {}), **call}} if call else {})
