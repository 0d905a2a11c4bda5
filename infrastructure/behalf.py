"""On whose behalf a store asks: a user's, or that of an API key. Elasticsearch then allows what they may do, and no more."""

from __future__ import annotations

import base64

from infrastructure.store import Store


def as_user(store: Store, username: str) -> Store:
    """The same store as that user (`es-security-runas-user`). The store's own account needs the right `run_as` for them."""
    return store.with_headers({"es-security-runas-user": username})


def with_api_key(store: Store, key: str) -> Store:
    """The same store with an Elasticsearch API key (base64 id:key) in place of its own account."""
    return store.with_headers({"authorization": f"ApiKey {key}"})


def with_password(store: Store, username: str, password: str) -> Store:
    """The same store with a user's own password in place of its own account."""
    pair = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    return store.with_headers({"authorization": f"Basic {pair}"})
