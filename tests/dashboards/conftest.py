"""What the tests of the dashboards share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infrastructure.setup import empty, set_up
from infrastructure.store import Store
from tests.dashboards.demo_load import Loaded, fill


@pytest.fixture(scope="module")
def demo_load(connected_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Filled once for a module, which only reads it."""
    set_up(connected_store)
    empty(connected_store)
    yield fill(connected_store, tmp_path_factory.mktemp("demo-load"))
    empty(connected_store)
