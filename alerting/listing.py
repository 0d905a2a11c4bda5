"""What happened, for people: alerts and notifications as they are stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contracts.clock import iso
from infrastructure.store import Store


def list_alerts(
    store: Store, *, status: str = "", watch: str = "", since: datetime | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Sources of alerts, newest first, each with its `id`; only those of a status or watch, or that began since a time."""
    filters: list[dict[str, Any]] = [{"range": {"alert.starts_at": {"gte": iso(since)}}}] if since else []
    wanted = {"alert.status": status, "alert.name": watch}
    filters += [{"term": {name: value}} for name, value in wanted.items() if value]
    return _newest(store, "alert", filters, limit)


def list_notifications(
    store: Store, *, status: str = "", fingerprint: str = "", to: str = "", limit: int = 100
) -> list[dict[str, Any]]:
    """Sources of notifications, newest first, each with its `id`; `to`: only to this target."""
    wanted = {"notification.status": status, "alert.fingerprint": fingerprint, "notification.to": to}
    return _newest(store, "notification", [{"term": {name: value}} for name, value in wanted.items() if value], limit)


def _newest(store: Store, index: str, filters: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    answer = store.search(index, query={"bool": {"filter": filters}}, sort=[{"@timestamp": "desc"}], size=limit)
    return [{"id": hit["_id"], **hit["_source"]} for hit in answer["hits"]["hits"]]
