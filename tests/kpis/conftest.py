"""Fixtures of the KPI tests."""

from __future__ import annotations

import pytest

from contracts.settings import Settings
from infrastructure.store import Store


@pytest.fixture
def sparse_settings(node_settings: Settings) -> Settings:
    """Settings under which few records suffice for points by 5 minutes, so that tests stay small."""
    return node_settings.with_values(kpi_density=1)


@pytest.fixture
def store(store: Store, sparse_settings: Settings) -> Store:
    """The empty store, with those settings."""
    return Store.connect(sparse_settings)
