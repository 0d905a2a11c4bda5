"""What tests of following share: a worker in a thread of its own, and what is in the store afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.indices import CDR_INDEX
from infrastructure.setup import empty
from mediation import ingest
from mediation.follow import Event, FollowReport, Stop, follow
from mediation.samples import write_sample

if TYPE_CHECKING:
    from contracts.settings import Settings
    from infrastructure.store import Store

QUICK = {"follow_poll_ms": 20, "follow_close_sec": 1, "follow_lease_sec": 2, "ingest_chunk_lines": 100}
LIMIT_SEC = 30.0


def lines_of(folder: Path, rows: int = 200, *, seed: int = 1, layout: str = "voip-public") -> list[bytes]:
    """Header and data lines of a sample file, with their line feeds; nothing stays in the folder."""
    path = folder / f".sample-{seed}"
    write_sample(layout, path, rows=rows, seed=seed)
    lines = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    return lines


def append(path: Path, lines: list[bytes]) -> None:
    with path.open("ab") as stream:
        stream.write(b"".join(lines))


def rows_of(store: Store) -> dict[str, dict[str, Any]]:
    """The ledger: `file` of each row by `path fingerprint`."""
    store.refresh("cdr-file")
    return {
        "{path} {fingerprint}".format(**hit["_source"]["log"]["file"]): hit["_source"]["file"]
        for hit in store.scan("cdr-file")
    }


def by_name(store: Store) -> dict[str, list[dict[str, Any]]]:
    """The same by file name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for key, row in rows_of(store).items():
        found.setdefault(Path(key.rpartition(" ")[0]).name, []).append(row)
    return found


def documents(store: Store) -> dict[str, dict[str, Any]]:
    """Every record and reject by index and id, without the time it was written."""
    store.refresh()
    found = {}
    for name in (*CDR_INDEX.values(), "cdr-reject"):
        for hit in store.scan(name):
            source = hit["_source"]
            source["event"].pop("ingested")
            found[f"{hit['_index']}/{hit['_id']}"] = source
    return found


def balanced(store: Store) -> None:
    """The law of the ledger, and the ledger against what is in the store."""
    rows = rows_of(store)
    for key, row in rows.items():
        assert row["state"] == "closed", key
        assert row["lines"] == row["indexed"] + row["duplicate"] + row["rejected"], (key, row)
    store.refresh()
    assert sum(row["indexed"] for row in rows.values()) == sum(store.count(name) for name in CDR_INDEX.values())
    assert sum(row["rejected"] for row in rows.values()) == store.count("cdr-reject")


def never_quiet(store: Store) -> Settings:
    """A file is finished when somebody says so, however slow the test. Returns the settings before."""
    before = store.settings
    store.settings = before.with_values(follow_close_sec=3600)
    return before


def until(condition: Callable[[], object], what: str = "") -> None:
    """Waits until something holds."""
    end = time.monotonic() + LIMIT_SEC
    while not condition():
        assert time.monotonic() < end, what or "it did not happen"
        time.sleep(0.02)


class Worker:
    """`follow` in a thread."""

    def __init__(self, store: Store, folders: list[Path], **keywords: Any) -> None:
        self.events: list[Event] = []
        self.stop = Stop()
        self.report: FollowReport | None = None
        self.error: BaseException | None = None
        self._arguments = (store, folders)
        self._keywords = keywords
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        store, folders = self._arguments
        try:
            self.report = follow(store, folders, stop=self.stop, tell=self.events.append, **self._keywords)
        except BaseException as error:  # noqa: BLE001  raised again in the test
            self.error = error

    def said(self, what: str, name: str = "") -> list[Event]:
        return [event for event in list(self.events) if event.what == what and event.path.endswith(name)]

    def until_said(self, what: str, name: str = "", times: int = 1) -> None:
        until(lambda: self.error or len(self.said(what, name)) >= times, f"not {what} {name}: {self.events}")

    def finish(self) -> FollowReport:
        if not self._keywords.get("once"):
            self.stop.set()
        self._thread.join(LIMIT_SEC)
        assert not self._thread.is_alive(), "the worker does not stop"
        if self.error is not None:
            raise self.error
        assert self.report is not None
        return self.report


def as_ingested(store: Store, folder: Path) -> None:
    """Documents and ledger are those that `ingest` gives of what is in the folder now."""
    for marker in folder.rglob("*.done"):
        marker.unlink()
    followed = documents(store), rows_of(store)
    empty(store)
    assert ingest(store, [folder]).ok
    assert followed == (documents(store), rows_of(store))


@contextmanager
def worker(store: Store, *folders: Path, **keywords: Any) -> Iterator[Worker]:
    running = Worker(store, list(folders), **keywords)
    try:
        yield running
    except BaseException:
        running.stop.set()
        raise
    running.finish()
