"""The real store, with short times for followers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.follow.following import QUICK

if TYPE_CHECKING:
    from contracts.settings import Settings
    from infrastructure.store import Store


@pytest.fixture
def quick(store: Store, node_settings: Settings) -> Iterator[Store]:
    """The empty store, with short times for followers."""
    settings, store.settings = store.settings, node_settings.with_values(**QUICK)
    yield store
    store.settings = settings


@pytest.fixture
def environment(quick: Store, node_settings: Settings) -> dict[str, str]:
    names = {"FOLLOW_POLL_MS": "50", "FOLLOW_CLOSE_SEC": "1", "FOLLOW_LEASE_SEC": "2", "INGEST_CHUNK_LINES": "50"}
    return {
        **os.environ,
        **{f"BUSYHOUR_{name}": value for name, value in names.items()},
        "BUSYHOUR_HOME": node_settings.text("home"),
    }
