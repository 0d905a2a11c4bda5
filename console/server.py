"""Runs the console: one process, many threads, until it is told to stop."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from console.app import create_app
from console.security import LOOPBACK
from console.services import ROOT, Services
from console.setup_token import SetupToken
from contracts.clock import Clock, utc_now
from contracts.errors import UserError
from contracts.settings import Settings
from dashboards import load
from infrastructure.listening import bound, in_thread
from infrastructure.service_account import console_stores
from infrastructure.users import has_administrator

PORT = 8600
_STOP_SEC = 5  # for requests under way; live connections end at once
_CONNECTIONS = 32  # kept to Elasticsearch: a new one costs more than most questions
_WAIT_SEC = 2  # a page says that Elasticsearch is away rather than wait for it


@dataclass(frozen=True, slots=True)
class Place:
    """Where it listens. `certificate` and `key`: PEM files, for https; `names`: hosts under which browsers may ask.

    `proxies`: addresses or networks of the proxies that end https; only what these forward is believed.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    certificate: Path | None = None
    key: Path | None = None
    names: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK or self.host.startswith("127.")

    @property
    def url(self) -> str:
        scheme = "https" if self.certificate else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


def make_services(settings: Settings, *, clock: Clock = utc_now, secure: bool = False) -> Services:
    """Services of a console over the settings' Elasticsearch, which is set up on the way where it is the local node.

    Raises StoreUnavailable, StoreRefused, DefinitionError (a dashboard file, with line and nearest name).
    """
    patient = settings.with_values(
        es_wait_sec=_WAIT_SEC, es_timeout_sec=settings.number("console.query.sec"), ingest_senders=_CONNECTIONS
    )
    definitions = load(ROOT)
    stores = console_stores(patient, clock=clock, say=lambda text: None)
    first = SetupToken(stores.owner, clock) if stores.owner and not has_administrator(stores.owner) else None
    return Services(stores.service, settings, definitions, clock=clock, secure=secure, first=first)


def serve(settings: Settings, place: Place, ready: Callable[[str, str], None]) -> None:
    """Serves until SIGINT or SIGTERM. `ready` is told the address, and that of the first administrator's page or "".

    Raises UserError for an address of other machines without https, OperatorError when the port is taken.
    """
    check(place)
    listening = bound(place.host, place.port)
    services = make_services(settings, secure=place.certificate is not None or bool(place.proxies))
    app = create_app(services, (*LOOPBACK, place.host, *place.names))
    ready(place.url, f"{place.url}/first-run?token={services.first.token}" if services.first else "")
    config = uvicorn.Config(
        app,
        log_level="critical",  # what goes wrong is logged once, by console.failures
        access_log=False,
        server_header=False,
        proxy_headers=bool(place.proxies),
        forwarded_allow_ips=list(place.proxies),
        timeout_graceful_shutdown=_STOP_SEC,
        limit_concurrency=4 * settings.number("console.viewers"),
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )
    server = uvicorn.Server(config)
    app.state.ending = lambda: server.should_exit
    server.run(sockets=[listening])


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on a free port of loopback, in a thread of this process; its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=2))
    app.state.ending = lambda: server.should_exit
    with in_thread(server) as address:
        yield address


def check(place: Place) -> None:
    """Raises UserError: passwords must not go over a network in the clear, and not everybody may say who asks."""
    for each in place.proxies:
        try:
            ipaddress.ip_network(each, strict=False)
        except ValueError:
            raise UserError(
                f"{each!r} is no address and no network",
                where="--behind-proxy",
                remedy="name the proxy's own address, such as 10.0.0.7 or 10.0.0.0/24",
            ) from None
    if not place.loopback and place.certificate is None and not place.proxies:
        raise UserError(
            f"{place.host} is no address of this machine alone, and passwords would pass in the clear",
            where="--host",
            remedy="give --certificate and --key, or --behind-proxy ADDRESS where a proxy ends https",
        )
