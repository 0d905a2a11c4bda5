"""An Elasticsearch that goes away while files grow: the worker waits, goes on, and can be stopped meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from contracts.errors import StoreUnavailable
from mediation.follow import Stop
from tests.follow.following import QUICK, append, as_ingested, lines_of, until, worker
from tests.mediation.test_ingest_faults import Wire

if TYPE_CHECKING:
    from contracts.settings import Settings
    from infrastructure.store import Store


@pytest.fixture
def wire(store: Store) -> Iterator[Wire]:
    address = urlsplit(store.info()["url"])
    wire = Wire(str(address.hostname), int(address.port or 0))
    yield wire
    wire.close()


def far_store(settings: Settings, wire: Wire, said: list[str], stop: Stop, wait: int) -> Store:
    """A store beyond the wire."""
    from infrastructure.node.lifecycle import LocalNode
    from infrastructure.store import Store

    user, password = LocalNode(Path(settings.text("home")), settings).credentials()
    far = settings.with_values(
        es_url=f"http://127.0.0.1:{wire.port}", es_user=user, es_password=password, es_wait_sec=wait, **QUICK
    )
    return Store.connect(far, say=said.append, sleep=stop.sleep)


@pytest.mark.parametrize("wait", [60, 0])
def test_follow_waits_and_goes_on_when_the_store_goes_away(
    quick: Store, node_settings: Settings, wire: Wire, tmp_path: Path, wait: int
) -> None:
    lines = lines_of(tmp_path, 600)
    said: list[str] = []
    far = far_store(node_settings, wire, said, Stop(), wait)
    append(tmp_path / "a.csv", lines[:200])
    with worker(far, tmp_path) as follower:
        follower.until_said("opened")
        for start in (200, 300, 400):
            wire.cut()
            append(tmp_path / "a.csv", lines[start : start + 100])
            append(tmp_path / f"{start}.csv", [lines[0], *lines[start + 1 : start + 50]])
            follower.stop.wait(0.5)
            wire.mend()
            follower.stop.wait(0.3)
        append(tmp_path / "a.csv", lines[500:])
        until(lambda: len({event.path for event in follower.said("closed")}) == 4)
    assert said or follower.said("away")
    assert bool(follower.said("away")) == (wait == 0)
    first = {path.name: path for path in tmp_path.iterdir()}
    assert len(first) == 4
    quick.refresh()
    assert quick.count("cdr-voip") == 600
    assert follower.report is not None


def test_follow_can_be_stopped_while_the_store_is_away(
    quick: Store, node_settings: Settings, wire: Wire, tmp_path: Path
) -> None:
    lines = lines_of(tmp_path, 200)
    stop = Stop(grace=0.5)
    far = far_store(node_settings, wire, [], stop, 600)
    append(tmp_path / "a.csv", lines[:100])
    with pytest.raises(StoreUnavailable, match="stopped"), worker(far, tmp_path) as follower:
        follower.until_said("opened")
        wire.cut()
        append(tmp_path / "a.csv", lines[100:])
        follower.stop.wait(0.5)
        stop.set()
        follower.stop.set()
    with worker(quick, tmp_path, once=True) as heir:
        pass
    assert heir.said("closed")
    as_ingested(quick, tmp_path)
