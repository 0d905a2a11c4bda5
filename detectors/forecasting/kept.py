"""How good the forecasts of a series were, kept in `job`, one document a series."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from contracts.clock import iso
from contracts.entities import Entity
from detectors.forecasting.forecast import Accuracy
from infrastructure.store import Store

_MOST = 100  # entries kept of a series, the newest


def keep(store: Store, kpi: str, entity: Entity, until: datetime, accuracy: Accuracy) -> list[dict[str, Any]]:
    """Adds the accuracy measured on the points up to `until`, in place of one of the same moment. All of them, oldest first."""
    entry = {"until": iso(until), **accuracy._asdict()}
    name = f"forecast {kpi} {entity}"

    def document(before: list[dict[str, Any]]) -> dict[str, Any]:
        others = [each for each in before if each["until"] != entry["until"]]
        entries = sorted([*others, entry], key=lambda each: str(each["until"]))[-_MOST:]
        job = {"name": name, "checkpoint": iso(until), "detail": orjson.dumps({"accuracy": entries}).decode()}
        return {"event": {"ingested": iso(store.clock())}, "job": job}

    written = store.modify("job", name, lambda found: document(_entries(found)), create=lambda: document([]))
    return _entries(written)


def kept(store: Store, kpi: str, entity: Entity) -> list[dict[str, Any]]:
    """Accuracies measured so far, oldest first: `until` and the fields of Accuracy; empty before the first."""
    document = store.get("job", f"forecast {kpi} {entity}")
    return [] if document is None else _entries(document.source)


def _entries(document: dict[str, Any]) -> list[dict[str, Any]]:
    return list(orjson.loads(document["job"]["detail"])["accuracy"])
