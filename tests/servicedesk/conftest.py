"""Customers, records and incidents as their makers write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from alerting import TicketRequest
from contracts.clock import iso
from contracts.ids import joined, keyed_hash
from infrastructure.secrets import pii_key
from infrastructure.store import Operation, Store
from servicedesk import AlertTickets, TicketDesk, load_customers

START = datetime(2026, 11, 10, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def start() -> datetime:
    return START


@pytest.fixture
def desk(store: Store) -> TicketDesk:
    return TicketDesk(store, lambda: NOW)


@pytest.fixture
def opener(store: Store) -> AlertTickets:
    return AlertTickets(store, lambda: NOW)


@pytest.fixture
def request_for() -> Callable[..., TicketRequest]:
    """What alerting asks for an alert of fingerprint `f` that began `begins` minutes after START, `at` minutes after it."""

    def make(
        f: str = "f1", begins: float = 0, at: float | None = None, event: str = "firing", **more: Any
    ) -> TicketRequest:
        starts_at = START + timedelta(minutes=begins)
        now = START + timedelta(minutes=begins if at is None else at)
        usual = {
            "notification": joined((f, starts_at, event)),
            "alert": joined((f, starts_at)),
            "fingerprint": f,
            "watch": "incident-open",
            "severity": 2,
            "title": "Trunk group TG2 loses calls",
            "body": "ASR of trunk group TG2 is 0.31",
            "category": "network",
            "incident": "",
            "starts_at": starts_at,
            "at": now,
            "why": "new",
            "again": begins > 0,
        }
        return TicketRequest(**{**usual, **more})

    return make


@pytest.fixture
def customers(store: Store, tmp_path: Path) -> Callable[[int], Path]:
    """Loads `count` customers: C0000001 … with number +1, +2 …; the first three are businesses on trunk group TG2."""

    def load(count: int) -> Path:
        file = tmp_path / "customers.ndjson"
        rows = [
            {
                "customer_id": f"C{number:07}",
                "name": f"Customer {number}",
                "kind": "business" if number <= 3 else "consumer",
                "language": "en",
                "plan": "PLAN1",
                "since": "2020-01-31",
                "msisdns": [f"+{number}"],
                "trunk_groups": ["TG2"] if number <= 3 else [],
                "services": ["voip", "sms"] if number % 2 else ["voip"],
            }
            for number in range(1, count + 1)
        ]
        file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows) + b"\n")
        load_customers(store, file, clock=lambda: NOW)
        return file

    return load


@pytest.fixture
def records(store: Store) -> Callable[[str, list[dict[str, Any]]], None]:
    """Writes records of an index; `minute` after START, numbers hashed as mediation does."""
    key = pii_key(store.settings)

    def write(index: str, rows: list[dict[str, Any]]) -> None:
        operations = []
        for number, row in enumerate(rows):
            moment = START + timedelta(minutes=row.pop("minute", 1))
            document: dict[str, Any] = {"@timestamp": iso(moment)}
            for name, value in row.items():
                level, (*parents, leaf) = document, name.split(".")
                for parent in parents:
                    level = level.setdefault(parent, {})
                level[leaf] = keyed_hash(key, value) if leaf in ("number", "msisdn") else value
            operations.append(Operation("index", store.place(index, moment), f"{index}{number}", document))
        store.write_all(operations)
        store.refresh(index)

    return write


@pytest.fixture
def incident(store: Store) -> Callable[..., dict[str, Any]]:
    """Writes an incident of the first hour after START; returns its document."""

    def write(name: str = "I1", end: float | None = 60, **more: Any) -> dict[str, Any]:
        event = {"start": iso(START), "ingested": iso(START), "severity": 2}
        event |= {"end": iso(START + timedelta(minutes=end))} if end is not None else {}
        body = {
            "id": name,
            "status": "closed",
            "title": "Trunk group TG2 loses calls",
            "reason": "ASR of trunk group TG2 is 0.31",
            "score": 97.5,
            "services": ["voip"],
            "entities": ["trunk_group:TG2", "service:voip"],
            "kpis": ["voip.asr", "voip.ner"],
            "anomalies": 2,
            "detected": iso(START + timedelta(minutes=5)),
        }
        document = {"@timestamp": iso(START), "event": event, "incident": {**body, **more}}
        store.write_all([Operation("index", store.place("incident"), name, document)])
        store.refresh("incident")
        return document

    return write
