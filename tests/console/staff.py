"""Staff of the tests, one for each role, and a small store for them to look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute

from console.api import routes as api
from console.app import PAGES, create_app
from console.server import make_services, served
from console.services import Services
from contracts.clock import iso
from contracts.settings import Settings
from infrastructure import users
from infrastructure.exchange import path_of
from infrastructure.roles import staff_roles
from infrastructure.store import Operation, Store
from infrastructure.users import create_user

PASSWORD = "correct horse battery 7"
ROLES = ("noc", "analyst", "agent", "supervisor", "data_engineer", "administrator")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>\"'&{{7*7}}"


@dataclass
class Console:
    """A console over the test's node. Its clock stands at NOW until a test moves it."""

    app: FastAPI
    services: Services
    store: Store
    url: str = ""
    now: datetime = NOW

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, follow_redirects=True, timeout=60)

    @contextmanager
    def signed_in(self, role: str) -> Iterator[httpx.Client]:
        """A browser of the person with that role."""
        self.services.by_address.forgive("127.0.0.1")
        with self.client() as client:
            answer = client.post("/sign-in", data={"username": person(role), "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            yield client

    def routes(self) -> set[tuple[str, str]]:
        """(method, path) of everything that is served but files and the description of the API."""
        found = set()
        for router in (*PAGES, *api.PARTS):
            for route in router.routes:
                assert isinstance(route, APIRoute)
                found |= {(method, route.path) for method in route.methods}
        return found

    def token(self, client: httpx.Client) -> str:
        """What the forms of this session carry."""
        session = self.services.sessions.find(client.cookies["busyhour_session"])
        assert session is not None
        return session.csrf


def person(role: str) -> str:
    return f"person-{role}"


def make_staff(store: Store) -> None:
    """One person a role. Others with our roles are of a run before, where the node outlives a run, and go."""
    present = store.exchange.ask("GET", "/_security/user")
    for user in users.list_users(store):
        if user.username not in {person(role) for role in ROLES}:
            store.exchange.ask("DELETE", path_of("_security", "user", user.username))
    for role in ROLES:
        if person(role) not in present:
            create_user(store, person(role), PASSWORD, [f"busyhour_{role}"], name=f"A {role}")
    assert {f"busyhour_{role}" for role in ROLES} == set(staff_roles())


@contextmanager
def open_console(settings: Settings, store: Store) -> Iterator[Console]:
    """Served as `busyhour serve` does, on a free port of loopback."""
    make_staff(store)
    made: list[Console] = []
    services = make_services(settings, clock=lambda: made[0].now if made else NOW)
    app = create_app(services)
    console = Console(app, services, store)
    made.append(console)
    with served(app) as console.url:
        yield console


def fill(store: Store) -> None:
    """One of each noun, with a hostile name where people's words stand, and a day of KPI points."""
    start, now = NOW - timedelta(hours=24), iso(NOW)
    operations = [
        _document(store, "incident", "i1", _incident(now)),
        _document(store, "anomaly", "a1", _anomaly(iso(NOW - timedelta(hours=2)))),
        _document(store, "alert", "al1", _alert(iso(NOW - timedelta(hours=1)))),
        _document(store, "customer", "C1", {"event": {"ingested": now}, "customer": {"id": "C1", "name": HOSTILE}}),
        _document(store, "cdr-reject", "r1", _reject(now)),
        _document(store, "cdr-file", "f1", _file(now)),
    ]
    operations += [_point(store, start + timedelta(hours=hour), hour) for hour in range(24)]
    operations += [_point(store, start + timedelta(hours=hour), hour, "kpi-5m") for hour in range(24)]
    store.write_all(operations)
    store.refresh()


def _document(store: Store, name: str, key: str, source: dict[str, Any]) -> Operation:
    return Operation("index", store.place(name), key, source)


def _incident(now: str) -> dict[str, Any]:
    incident = {"id": "i1", "status": "open", "title": HOSTILE, "score": 90.0, "entities": ["trunk_group:TG2"]}
    return {"@timestamp": now, "event": {"start": now, "ingested": now, "severity": 1}, "incident": incident}


def _anomaly(start: str) -> dict[str, Any]:
    return {
        "@timestamp": start,
        "event": {"start": start, "ingested": start},
        "service": {"name": "voip"},
        "entity": {"type": "trunk_group", "id": "TG2"},
        "kpi": {"id": "voip.ner"},
        "anomaly": {
            "id": "a1",
            "status": "open",
            "score": 90.0,
            "actual": 0.5,
            "expected": 0.98,
            "lower": 0.95,
            "upper": 1.0,
            "direction": "below",
            "samples": 200.0,
            "reason": HOSTILE,
        },
        "incident": {"id": "i1"},
    }


def _alert(now: str) -> dict[str, Any]:
    alert = {
        "fingerprint": "fp",
        "name": "incident",
        "status": "firing",
        "severity": "critical",
        "starts_at": now,
        "last_fired": now,
        "labels": {"service": "voip"},
        "summary": HOSTILE,
        "reason": "it is so",
        "acknowledged": False,
        "silenced": False,
        "inhibited": False,
        "unsettled": False,
        "history": ['{"at":"' + now + '","event":"firing","by":"busyhour","why":"new","run":[],"left":[]}'],
    }
    return {"@timestamp": now, "event": {"ingested": now}, "alert": alert}


def _reject(now: str) -> dict[str, Any]:
    reject = {"reason": "bad_time", "state": "suspended", "detail": HOSTILE, "raw": HOSTILE}
    place = {"file": {"path": "/in/a.csv", "fingerprint": "x"}, "offset": 10, "line": 2}
    return {"event": {"ingested": now}, "log": place, "cdr": {"layout": "l"}, "reject": reject}


def _file(now: str) -> dict[str, Any]:
    file = {"state": "closed", "lines": 2, "indexed": 1, "duplicate": 0, "rejected": 1, "mtime": now}
    return {"event": {"ingested": now}, "log": {"file": {"path": "/in/a.csv", "fingerprint": "x"}}, "file": file}


def _point(store: Store, at: datetime, hour: int, index: str = "kpi-1h") -> Operation:
    source = {
        "@timestamp": iso(at),
        "event": {"ingested": iso(at)},
        "service": {"name": "voip"},
        "entity": {"type": "trunk_group", "id": "TG2"},
        "kpi": {
            "id": "voip.ner",
            "version": 1,
            "unit": "ratio",
            "value": 0.9 + hour / 300,
            "numerator": 90.0 + hour / 3,
            "denominator": 100.0,
            "samples": 100,
            "state": "ok",
            "resolution": {"sec": 3600 if index == "kpi-1h" else 300},
            "origin": "cdr",
        },
    }
    return Operation("create", store.place(index, at), f"{index}-{hour}", source)
