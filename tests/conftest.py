"""Fixtures that every test may use. The store is a real local Elasticsearch, started once per test run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as hypothesis_settings

from contracts.settings import Settings, read

if TYPE_CHECKING:
    from infrastructure.store import Store

ROOT = Path(__file__).resolve().parent.parent
NOT_INSTALLABLE = "in no package registry"  # part of a skip's reason: not even CI can have it

# Laws are about answers: a deadline would fail them on a machine that is busy.
hypothesis_settings.register_profile("busyhour", deadline=None)
hypothesis_settings.load_profile("busyhour")


@pytest.fixture(scope="session")
def node_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a running local node of this test run's own; with BUSYHOUR_TEST_HOME set, of the one that runs there.

    That one's documents are removed: it must be a home for tests (`BUSYHOUR_HOME=DIR busyhour node start`).
    """
    from infrastructure.node.lifecycle import LocalNode

    if running := os.environ.get("BUSYHOUR_TEST_HOME"):
        yield read({"BUSYHOUR_HOME": running})
        return
    home = tmp_path_factory.mktemp("home")
    settings = read({"BUSYHOUR_HOME": str(home), "BUSYHOUR_NODE_HEAP_MIB": os.environ.get("NODE_HEAP_MIB", "768")})
    node = LocalNode(home, settings)
    node.start()
    yield settings
    node.stop()


@pytest.fixture(scope="session")
def connected_store(node_settings: Settings) -> Store:
    from infrastructure.store import Store

    return Store.connect(node_settings)


@pytest.fixture
def store(connected_store: Store) -> Store:
    """An empty, set-up store: every test starts with templates and no documents."""
    from infrastructure.setup import empty, set_up

    set_up(connected_store)
    empty(connected_store)
    return connected_store


@pytest.fixture(scope="session")
def real_cdrs() -> Path:
    """Folder of real public samples beside the checkout; tests that want it are skipped where it is not."""
    folder = Path(os.environ.get("REAL_CDRS", ROOT.parent / "shared" / "real-cdrs"))
    if not folder.is_dir():
        pytest.skip(f"no real samples at {folder}: they are {NOT_INSTALLABLE} (REAL_CDRS names another folder)")
    return folder


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skip is a failure: everything optional can be installed there, but what its reason says cannot be."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None or session.exitstatus != pytest.ExitCode.OK:
        return
    skipped = [report for report in reporter.stats.get("skipped", []) if NOT_INSTALLABLE not in str(report.longrepr)]
    if skipped:
        reporter.write_line(f"{len(skipped)} tests were skipped in CI, where nothing optional may be missing", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
