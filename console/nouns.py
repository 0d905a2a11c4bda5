"""The nouns that pages list and the API serves: index, columns, filters, order. A list is one search, a page at a time."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from console.errors import NotFound, RequestError
from console.marking import marked as _
from infrastructure.store import Store

PAGE = 50
MOST_PAGE = 200
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Noun:
    """`columns`: (field, heading); `filters`: (parameter, field, heading); `texts`: fields that words are looked for in.

    `order`: newest or first by this field, then by `ties`, so that no two have one place. `hidden`: never shown.
    """

    name: str
    index: str
    title: str
    columns: tuple[tuple[str, str], ...]
    filters: tuple[tuple[str, str, str], ...]
    order: str
    empty: str
    texts: tuple[str, ...] = ()
    ties: tuple[str, ...] = ()
    id_field: str = ""
    hidden: tuple[str, ...] = ()

    @property
    def need(self) -> str:
        return f"{self.index}:read"


NOUNS: dict[str, Noun] = {
    noun.name: noun
    for noun in (
        Noun(
            "anomalies",
            "anomaly",
            _("Anomalies"),
            (
                ("event.start", _("Since")),
                ("event.end", _("Until")),
                ("anomaly.status", _("Status")),
                ("anomaly.score", _("Score")),
                ("kpi.id", _("KPI")),
                ("entity.id", _("Entity")),
                ("anomaly.reason", _("Reason")),
            ),
            (
                ("status", "anomaly.status", _("Status")),
                ("service", "service.name", _("Service")),
                ("kpi", "kpi.id", _("KPI")),
                ("entity", "entity.id", _("Entity")),
                ("incident", "incident.id", _("Incident")),
            ),
            "@timestamp",
            _("Nothing deviated. Is `busyhour detect` running?"),
            ("anomaly.reason",),
            ("anomaly.id",),
            "anomaly.id",
        ),
        Noun(
            "incidents",
            "incident",
            _("Incidents"),
            (
                ("event.start", _("Since")),
                ("event.end", _("Until")),
                ("incident.status", _("Status")),
                ("incident.score", _("Score")),
                ("event.severity", _("Severity")),
                ("incident.entities", _("Entities")),
                ("incident.title", _("Title")),
            ),
            (
                ("status", "incident.status", _("Status")),
                ("service", "incident.services", _("Service")),
                ("entity", "incident.entities", _("Entity")),
            ),
            "@timestamp",
            _("No incident. Is `busyhour detect` running?"),
            ("incident.title", "incident.reason"),
            ("incident.id",),
            "incident.id",
        ),
        Noun(
            "alerts",
            "alert",
            _("Alerts"),
            (
                ("alert.starts_at", _("Since")),
                ("alert.ends_at", _("Until")),
                ("alert.status", _("Status")),
                ("alert.severity", _("Severity")),
                ("alert.acknowledged", _("Acknowledged")),
                ("alert.name", _("Watch")),
                ("alert.summary", _("Summary")),
            ),
            (
                ("status", "alert.status", _("Status")),
                ("severity", "alert.severity", _("Severity")),
                ("watch", "alert.name", _("Watch")),
                ("acknowledged", "alert.acknowledged", _("Acknowledged")),
            ),
            "@timestamp",
            _("No alert fired."),
            ("alert.summary", "alert.reason"),
            ("alert.fingerprint",),
        ),
        Noun(
            "tickets",
            "ticket",
            _("Tickets"),
            (
                ("@timestamp", _("Opened")),
                ("ticket.id", _("Ticket")),
                ("ticket.state", _("State")),
                ("ticket.priority", _("Priority")),
                ("ticket.assignee", _("Assignee")),
                ("ticket.impacted_customers", _("Customers")),
                ("ticket.title", _("Title")),
            ),
            (
                ("state", "ticket.state", _("State")),
                ("priority", "ticket.priority", _("Priority")),
                ("assignee", "ticket.assignee", _("Assignee")),
                ("customer", "customer.id", _("Customer")),
                ("incident", "incident.id", _("Incident")),
            ),
            "@timestamp",
            _("No tickets."),
            ("ticket.title", "ticket.body"),
            ("ticket.id",),
            "ticket.id",
        ),
        Noun(
            "customers",
            "customer",
            _("Customers"),
            (
                ("customer.id", _("Customer")),
                ("customer.name", _("Name")),
                ("customer.kind", _("Kind")),
                ("customer.plan", _("Plan")),
                ("customer.services", _("Services")),
                ("customer.since", _("Customer since")),
            ),
            (
                ("kind", "customer.kind", _("Kind")),
                ("plan", "customer.plan", _("Plan")),
                ("service", "customer.services", _("Service")),
            ),
            "customer.id",
            _("No customers. `busyhour customer load FILE` brings them."),
            ("customer.name",),
            (),
            "customer.id",
            ("customer.subscriber_keys",),
        ),
        Noun(
            "files",
            "cdr-file",
            _("Files"),
            (
                ("file.mtime", _("Delivered")),
                ("log.file.path", _("File")),
                ("file.state", _("State")),
                ("file.lines", _("Lines")),
                ("file.indexed", _("Indexed")),
                ("file.duplicate", _("Duplicate")),
                ("file.rejected", _("Rejected")),
                ("file.layout", _("Layout")),
            ),
            (
                ("state", "file.state", _("State")),
                ("layout", "file.layout", _("Layout")),
                ("source", "file.source", _("Source")),
                ("service", "service.name", _("Service")),
            ),
            "event.ingested",
            _("No file was mediated yet. `busyhour ingest PATH` does it."),
            (),
            ("log.file.path", "log.file.fingerprint"),
        ),
        Noun(
            "rejects",
            "cdr-reject",
            _("Rejects"),
            (
                ("event.ingested", _("Suspended")),
                ("reject.reason", _("Reason")),
                ("reject.column", _("Column")),
                ("reject.state", _("State")),
                ("cdr.layout", _("Layout")),
                ("log.file.path", _("File")),
                ("log.line", _("Line")),
                ("reject.detail", _("Detail")),
            ),
            (
                ("reason", "reject.reason", _("Reason")),
                ("state", "reject.state", _("State")),
                ("layout", "cdr.layout", _("Layout")),
                ("service", "service.name", _("Service")),
            ),
            "event.ingested",
            _("No line was rejected."),
            (),
            ("log.file.path", "log.offset"),
        ),
        Noun(
            "audit",
            "audit",
            _("Audit trail"),
            (
                ("@timestamp", _("When")),
                ("audit.who", _("Who")),
                ("audit.what", _("What")),
                ("audit.object", _("On what")),
                ("audit.detail", _("Detail")),
            ),
            (("who", "audit.who", _("Who")), ("what", "audit.what", _("What"))),
            "@timestamp",
            _("Nothing was done yet."),
            (),
            ("audit.what", "audit.who", "audit.object"),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Page:
    """`rows`: documents with their `id`. `after`: the cursor of the next page, "" at the end. `total`: as far as counted."""

    rows: list[dict[str, Any]]
    after: str
    total: int
    exact: bool


def find(store: Store, noun: Noun, given: Mapping[str, str], *, size: int = PAGE) -> Page:
    """A page of documents, newest first. `given`: filters, `q` (words), `after` (cursor). Raises RequestError."""
    if not 1 <= size <= MOST_PAGE:
        raise RequestError(f"size: {size} is outside 1 to {MOST_PAGE}")
    descending = noun.order != noun.id_field
    order: list[dict[str, Any]] = [{noun.order: {"order": "desc" if descending else "asc", "missing": "_last"}}]
    order += [{tie: {"order": "asc", "missing": "_last"}} for tie in noun.ties]
    body: dict[str, Any] = {"query": _query(noun, given), "size": size + 1, "sort": order}
    if noun.hidden:
        body["_source"] = {"excludes": list(noun.hidden)}
    if given.get("after"):
        body["search_after"] = _cursor(given["after"], len(order))
    answer = store.search(noun.index, **body)["hits"]
    hits = answer["hits"]
    rows = [{"id": hit["_id"], **hit["_source"]} for hit in hits[:size]]
    after = _packed(hits[size - 1]["sort"]) if len(hits) > size else ""
    total = answer["total"]
    return Page(rows, after, total["value"], total["relation"] == "eq")


def one(store: Store, noun: Noun, key: str) -> dict[str, Any]:
    """The document with this id. Raises NotFound."""
    found = store.get(noun.index, key) if len(key) <= _LONGEST_TEXT else None
    if found is None:
        raise NotFound(f"there is no {noun.index} {key[:80]!r}", remedy=f"see the list of {noun.name}")
    source = found.source
    for name in noun.hidden:
        *parents, leaf = name.split(".")
        inner = source
        for parent in parents:
            inner = inner.get(parent, {})
        inner.pop(leaf, None)
    return {"id": key, **source}


def value_of(source: Mapping[str, Any], field: str) -> Any:
    """Value of a dotted field, None where there is none; `@timestamp` too."""
    inner: Any = source
    for part in field.split("."):
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    return inner


def _query(noun: Noun, given: Mapping[str, str]) -> dict[str, Any]:
    filters: list[dict[str, Any]] = []
    for parameter, field, _heading in noun.filters:
        value = given.get(parameter, "")
        if len(value) > _LONGEST_TEXT:
            raise RequestError(f"{parameter}: longer than {_LONGEST_TEXT} characters")
        if value:
            filters.append({"terms": {field: [part for part in value.split(",") if part]}})
    words = given.get("q", "").strip()[:_LONGEST_TEXT]
    if words and noun.texts:
        match = {"query": words, "fields": list(noun.texts), "operator": "and", "type": "cross_fields", "lenient": True}
        alike = [{"term": {noun.id_field: words}}] if noun.id_field else []
        filters.append({"bool": {"should": [{"multi_match": match}, *alike]}})
    return {"bool": {"filter": filters}}


def _packed(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def _cursor(text: str, length: int) -> list[Any]:
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        values = None
    if (
        not isinstance(values, list)
        or len(values) != length
        or not all(isinstance(value, str | int | float | None) for value in values)
    ):
        raise RequestError("after: is no cursor of this list", remedy="begin again without it")
    return values
