"""Fields of tickets, customers and their numbers."""

from __future__ import annotations

from contracts.fields.base import SERVICE, F

TICKET = (
    F("@timestamp", "date", "opened"),
    F("event.ingested", "date", "when it was last written"),
    *SERVICE,
    F("ticket.id", "keyword", "T-20261121-3f2a91"),
    F("ticket.title", "text", "one line"),
    F("ticket.body", "text", "what happened"),
    F("ticket.state", "keyword", "new, open, pending, resolved or closed"),
    F("ticket.priority", "keyword", "critical, high, medium or low"),
    F("ticket.category", "keyword", "network, customer …"),
    F("ticket.assignee", "keyword", "user"),
    F("ticket.updated", "date", "last change"),
    F("ticket.resolved", "date", "when it was resolved"),
    F("ticket.impacted_customers", "integer", "customers who feel it"),
    F("ticket.history", "blob", "every change: at, by, what, from, to, comment"),
    F("alert.fingerprint", "keyword", "alert that opened it"),
    F("incident.id", "keyword", "incident it is about"),
    F("customer.id", "keyword", "customers named in it (the first 100 impacted)"),
)
CUSTOMER = (
    F("event.ingested", "date", "when it was last written"),
    F("customer.id", "keyword", "C0000001"),
    F("customer.name", "text", "name"),
    F("customer.kind", "keyword", "consumer or business"),
    F("customer.language", "keyword", "ISO 639-1"),
    F("customer.plan", "keyword", "tariff plan"),
    F("customer.since", "date", "customer since"),
    F("customer.subscriber_keys", "keyword", "keyed hashes of their MSISDNs"),
    F("customer.trunk_groups", "keyword", "trunk groups that serve them"),
    F("customer.services", "keyword", "services subscribed to"),
)
SUBSCRIBER_INDEX = (
    F("event.ingested", "date", "when it was last written"),
    F("subscriber.key", "keyword", "keyed hash"),
    F("subscriber.number", "keyword", "the number behind it"),
    F("customer.id", "keyword", "whose it is"),
)
