"""A usage store on SQLite and on a real MariaDB: every test that asks for `usage_store` runs on both."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.settings import read
from tests.usage.usage_samples import NOW, people
from usage.engine import UsageStore
from usage.mariadb import LocalMariaDB, NoServer
from usage.migrate import set_up
from usage.schema import metadata

_names = itertools.count()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[LocalMariaDB]:
    """The server. Skips with the reason where there is none and none can be fetched."""
    with tempfile.TemporaryDirectory(prefix="bh-") as folder:  # a short path: sockets have no room for more
        try:
            server = LocalMariaDB(Path(folder), outlives_power=False)
        except NoServer as error:
            pytest.skip(str(error))
        server.start()
        yield server
        server.kill()  # in good order it would take seconds


@pytest.fixture(params=["sqlite", "mariadb"])
def usage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'usage.sqlite'}"
    return str(request.getfixturevalue("mariadb").database(f"t{next(_names)}"))


@pytest.fixture
def opened() -> Iterator[Callable[..., UsageStore]]:
    """Opens stores, and closes them when the test is over."""
    stores: list[UsageStore] = []

    def open_store(url: str, **settings: Any) -> UsageStore:
        store = UsageStore.open(read({"BUSYHOUR_USAGE_URL": url}).with_values(**settings), clock=lambda: NOW)
        stores.append(store)
        return store

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture(scope="session")
def mariadb_url(mariadb: LocalMariaDB) -> str:
    """URL of a database with tables."""
    url = mariadb.database("shared")
    store = UsageStore.open(read({"BUSYHOUR_USAGE_URL": url}))
    set_up(store)
    store.close()
    return url


@pytest.fixture(params=["sqlite", "mariadb"])
def usage_store(request: pytest.FixtureRequest, tmp_path: Path, opened: Callable[..., UsageStore]) -> UsageStore:
    """A store with tables and nothing in them."""
    if request.param == "sqlite":
        store = opened(f"sqlite:///{tmp_path / 'usage.sqlite'}")
        set_up(store)
        return store
    store = opened(request.getfixturevalue("mariadb_url"))
    store.write(lambda connection: [connection.execute(table.delete()) for table in reversed(metadata.sorted_tables)])
    return store


@pytest.fixture(scope="session")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsageStore]:
    """A store that is only read, or refuses what is written: SQLite with three customers."""
    url = f"sqlite:///{tmp_path_factory.mktemp('one') / 'usage.sqlite'}"
    store = UsageStore.open(read({"BUSYHOUR_USAGE_URL": url}), clock=lambda: NOW)
    set_up(store)
    people(store)
    yield store
    store.close()
