"""What the tests of the console share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.settings import Settings
from infrastructure.setup import empty, set_up
from infrastructure.store import Store
from tests.console.staff import NOW, Console, fill, open_console


@pytest.fixture(scope="module")
def console(node_settings: Settings, connected_store: Store) -> Iterator[Console]:
    """A console over a store with one of each noun; a module changes what it changes."""
    set_up(connected_store)
    empty(connected_store)
    fill(connected_store)
    with open_console(node_settings, connected_store) as opened:
        yield opened
    empty(connected_store)


@pytest.fixture(autouse=True)
def _clock_and_limits(request: pytest.FixtureRequest) -> None:
    """Each test of a console starts at NOW, with nobody's tries counted."""
    if "console" in request.fixturenames:
        opened: Console = request.getfixturevalue("console")
        opened.now = NOW
        opened.services.by_address.forgive("127.0.0.1")
