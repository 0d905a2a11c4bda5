"""Ingest that dies, a store that goes away in the middle, and memory: nothing lost, nothing doubled, flat."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from contracts.settings import Settings
from mediation import ingest
from mediation.samples import write_sample

if TYPE_CHECKING:
    from infrastructure.store import Store

ROWS = 6000
DRIVER = """
import os, sys
from contracts.settings import read
from infrastructure.memory import peak_bytes
from infrastructure.store import Store
from mediation import ingest
store = Store.connect(read({key: value for key, value in os.environ.items() if key.startswith(("BUSYHOUR", "ES_"))}))
print("ready", flush=True)
report = ingest(store, sys.argv[1:])
print(report.as_dict(), peak_bytes(), flush=True)
"""


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, "BUSYHOUR_HOME": settings.text("home"), "BUSYHOUR_INGEST_CHUNK_LINES": "250"}


def _file(folder: Path) -> tuple[Path, int, int]:
    """A file with lines twice and bad lines; how many distinct good and bad lines it has."""
    path = folder / "calls.csv"
    write_sample("voip-busyhour", path, rows=ROWS, seed=5)
    header, *lines = path.read_text().splitlines()
    bad = [f"bad{index % 50},{line}" for index, line in enumerate(lines[:200])]
    lines += [*lines[::20], *bad]
    random.Random(1).shuffle(lines)
    path.write_text("\n".join([header, *lines]) + "\n")
    return path, ROWS, len(set(bad))


def _assert_whole(store: Store, path: Path, good: int, bad: int) -> None:
    store.refresh()
    lines = len(path.read_text().splitlines()) - 1
    assert store.count("cdr-voip") == good
    assert store.count("cdr-reject") == bad
    (row,) = (hit["_source"]["file"] for hit in store.scan("cdr-file"))
    assert (row["state"], row["lines"], row["indexed"], row["rejected"]) == ("closed", lines, good, bad)
    assert row["duplicate"] == lines - good - bad


def test_ingest_loses_and_doubles_nothing_when_killed_ten_times(
    store: Store, node_settings: Settings, tmp_path: Path
) -> None:
    path, good, bad = _file(tmp_path)
    chance = random.Random(time.time_ns())
    killed = 0
    for _ in range(10):
        run = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(path)],
            env=_environment(node_settings),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(chance.uniform(0.01, 0.6))
        run.kill()
        killed += run.wait() != 0
        run.stdout.close()
        store.refresh("cdr-file")
    assert killed > 0
    ingest(store, [path])
    _assert_whole(store, path, good, bad)


def test_books_stay_open_when_a_run_dies_and_the_next_run_closes_them(
    store: Store, node_settings: Settings, tmp_path: Path
) -> None:
    path, good, bad = _file(tmp_path)
    run = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(path)], env=_environment(node_settings), stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    run.stdout.readline()
    while store.count("cdr-file", {"term": {"file.state": "open"}}) == 0 and run.poll() is None:
        store.refresh("cdr-file")
    run.kill()
    died = run.wait() != 0
    run.stdout.close()
    store.refresh("cdr-file")
    assert store.count("cdr-file", {"term": {"file.state": "open" if died else "closed"}}) == 1
    ingest(store, [path])
    _assert_whole(store, path, good, bad)


class Wire:
    """Passes bytes on to the node; can be cut, so that requests under way lose their answers, and mended."""

    def __init__(self, host: str, port: int) -> None:
        self.node = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets: list[socket.socket] = []
        self.whole = True
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if not self.whole:
                    client.close()
                    continue
                node = socket.create_connection(self.node)
                self.sockets += [client, node]
                for source, target in ((client, node), (node, client)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self.whole = False
        for end in self.sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.whole = True

    def close(self) -> None:
        self.listener.close()
        self.cut()
        for end in self.sockets:
            end.close()


@pytest.fixture
def wire(store: Store, node_settings: Settings) -> Iterator[Wire]:
    address = urlsplit(store.info()["url"])
    wire = Wire(str(address.hostname), int(address.port or 0))
    yield wire
    wire.close()


def test_ingest_waits_says_so_and_resumes_when_the_store_goes_away(
    store: Store, node_settings: Settings, wire: Wire, tmp_path: Path
) -> None:
    from infrastructure.node.lifecycle import LocalNode
    from infrastructure.store import Store as RealStore

    path, good, bad = _file(tmp_path)
    user, password = LocalNode(Path(node_settings.text("home")), node_settings).credentials()
    said: list[str] = []
    far = RealStore.connect(
        node_settings.with_values(
            es_url=f"http://127.0.0.1:{wire.port}", es_user=user, es_password=password, ingest_chunk_lines=250
        ),
        say=said.append,
    )
    cuts = 0

    def cut_now_and_then(done: int, total: int) -> None:
        nonlocal cuts
        if cuts < 3 and done > total * (cuts + 1) / 5:
            cuts += 1
            wire.cut()
            threading.Timer(0.3, wire.mend).start()

    report = ingest(far, [path], progress=cut_now_and_then)
    assert cuts == 3
    assert said
    assert (report.indexed, report.rejected) == (good, bad)
    _assert_whole(store, path, good, bad)


def test_memory_is_flat_when_the_file_is_five_times_as_large(
    store: Store, node_settings: Settings, tmp_path: Path
) -> None:
    used = []
    for rows in (25_000, 125_000):
        path = tmp_path / f"{rows}.csv"
        write_sample("voip-busyhour", path, rows=rows, seed=rows)
        environment = {**_environment(node_settings), "BUSYHOUR_INGEST_CHUNK_LINES": "1000"}
        run = subprocess.run(
            [sys.executable, "-c", DRIVER, str(path)], env=environment, capture_output=True, text=True, check=True
        )
        used.append(int(run.stdout.rsplit(" ", 1)[1]))
    small, large = used
    assert large < small * 1.15, used
    assert large < 400e6, used
