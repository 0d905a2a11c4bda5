"""The console's own way to Elasticsearch: an account that may ask as its users and read no data itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from contracts.settings import Settings
from infrastructure.connection import check_server, open_client
from infrastructure.exchange import path_of
from infrastructure.node.lifecycle import LocalNode
from infrastructure.roles import CONSOLE, all_roles
from infrastructure.secrets import kept_secret
from infrastructure.setup import set_up
from infrastructure.store import Store


@dataclass(frozen=True, slots=True)
class ConsoleStores:
    """`service`: asks as the users. `owner`: who may make the first administrator; None where ES_URL names an account."""

    service: Store
    owner: Store | None


def console_stores(settings: Settings, **keywords: Any) -> ConsoleStores:
    """Stores of the console; `keywords` as for `Store`. On the local node its account is made, and everything set up.

    With ES_URL the account that is configured is used: give it the role `busyhour_console`.
    Raises StoreUnavailable, StoreRefused.
    """
    if settings.text("es.url"):
        return ConsoleStores(Store.connect(settings, **keywords), None)
    owner = Store.connect(settings, **keywords)
    set_up(owner)
    password = kept_secret(Path(settings.text("home")) / "secrets" / "console.password")
    body = {"password": password, "roles": [CONSOLE], "full_name": all_roles()[CONSOLE].title}
    owner.exchange.ask("PUT", path_of("_security", "user", CONSOLE), body)

    def opened() -> tuple[Elasticsearch, str]:
        url = LocalNode(Path(settings.text("home")), settings).status().url
        if url is None:
            return open_client(settings)  # says that no node runs
        return open_client(settings.with_values(es_url=url, es_user=CONSOLE, es_password=password))

    client, place = opened()
    service = Store(client, settings, place=place, reopen=opened, **keywords)
    check_server(service.exchange.ask("GET", "/"), place)
    return ConsoleStores(service, owner)
