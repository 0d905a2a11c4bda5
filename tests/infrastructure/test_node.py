"""The local node, for real: started, refused, filled, killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import ApiError, Elasticsearch, TransportError

from contracts.errors import NodeError
from contracts.settings import Settings
from infrastructure.node import LocalNode, NodeStatus, diagnosis, probe, processes
from infrastructure.node.files import NodeRecord
from infrastructure.node.java import find_java

HEAP_MIB = 512  # two of them run at once on a small machine
SETTINGS = Settings({"node.heap.mib": HEAP_MIB})
GIB = 1024**3


@dataclass
class OwnNode:
    """A node of this file alone, and the status it started with."""

    node: LocalNode
    started: NodeStatus

    def client(self) -> Elasticsearch:
        assert self.started.url is not None
        return Elasticsearch(self.started.url, basic_auth=self.node.credentials(), request_timeout=20, max_retries=0)


@pytest.fixture(scope="module")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnNode]:
    node = LocalNode(tmp_path_factory.mktemp("own node"), SETTINGS)  # a space in the path, on purpose
    yield OwnNode(node, node.start())
    node.stop()


def test_node_is_ready_when_started(own_node: OwnNode) -> None:
    status = own_node.node.status()
    assert (status.running, status.health, status.heap_mib) == (True, "green", HEAP_MIB)
    assert status.version is not None
    assert status.version.startswith("8.19.")
    assert status.pid == own_node.started.pid
    assert status.log.exists()


def test_second_start_is_refused_naming_pid_and_url(own_node: OwnNode) -> None:
    with pytest.raises(NodeError, match=f"pid {own_node.started.pid}, {own_node.started.url}"):
        own_node.node.start()


def test_ensure_gives_the_running_node(own_node: OwnNode) -> None:
    assert own_node.node.ensure().pid == own_node.started.pid


def test_second_start_is_refused_when_the_record_is_lost(own_node: OwnNode) -> None:
    record = own_node.node.paths.record
    kept = record.read_bytes()
    record.unlink()
    try:
        with pytest.raises(NodeError, match=r"uses this data directory"):
            own_node.node.start()
        with pytest.raises(NodeError, match=r"uses this data directory"):
            own_node.node.stop()
    finally:
        record.write_bytes(kept)


def test_start_is_refused_when_another_home_has_the_same_data(own_node: OwnNode, tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "data").symlink_to(own_node.node.paths.data)
    with pytest.raises(NodeError, match=r"uses this data directory"):
        LocalNode(tmp_path, SETTINGS).start()


def test_stop_waits_for_a_lock_of_nobody_as_a_killed_node_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (proc := tmp_path / "proc" / "self").mkdir(parents=True)
    (proc / "stat").touch()
    monkeypatch.setattr(processes, "_PROC", proc.parent)  # it names no holder
    node = LocalNode(tmp_path / "home", SETTINGS)
    node.paths.make()
    node.paths.data_lock.parent.mkdir(parents=True, exist_ok=True)
    hold = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(); time.sleep(1)"
    command = [sys.executable, "-c", hold, str(node.paths.data_lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert processes.lock_holder(node.paths.data_lock) == processes.UNKNOWN_HOLDER
        with pytest.raises(NodeError, match=r"a process uses this data directory"):
            node.stop()  # no node was ever started here: not ours to wait for
        NodeRecord(holder.pid, "earlier", 1, "", 2, HEAP_MIB, "", "").write(node.paths.record)
        assert not node.stop()


def test_node_listens_on_loopback_only(own_node: OwnNode) -> None:
    with own_node.client() as client:
        (info,) = client.nodes.info(metric="http,transport")["nodes"].values()
    for layer in ("http", "transport"):
        assert [address.rpartition(":")[0] for address in info[layer]["bound_address"]] == ["127.0.0.1"]


def test_node_refuses_who_has_no_password(own_node: OwnNode) -> None:
    port = int(str(own_node.started.url).rpartition(":")[2])
    answer = probe.ask(port, "/_cluster/health", ("elastic", "changeme"))
    assert answer is not None
    assert answer.status == 401


def test_password_is_in_its_file_only(own_node: OwnNode) -> None:
    paths = own_node.node.paths
    secret = own_node.node.credentials()[1].encode()
    assert stat.S_IMODE(paths.password.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.password.parent.stat().st_mode) == 0o700
    holders = [path for path in paths.home.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert holders == [paths.password]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_password_is_not_in_the_process_list(own_node: OwnNode) -> None:
    secret = own_node.node.credentials()[1].encode()
    process = Path("/proc") / str(own_node.started.pid)
    assert b"java" in (process / "cmdline").read_bytes()
    assert secret not in (process / "cmdline").read_bytes()
    assert secret not in (process / "environ").read_bytes()


def test_esql_gives_a_hundred_thousand_rows(own_node: OwnNode) -> None:
    with own_node.client() as client:
        stored = client.cluster.get_settings(include_defaults=True, flat_settings=True)
    assert stored["defaults"]["esql.query.result_truncation_max_size"] == "100000"


def test_flood_stage_refuses_writes_naming_the_disk(own_node: OwnNode) -> None:
    stages = ("low", "high", "flood_stage")
    limit = {f"cluster.routing.allocation.disk.watermark.{stage}": "100000tb" for stage in stages}
    with own_node.client() as client:
        client.index(index="flood", document={"a": 1})
        client.cluster.put_settings(persistent=limit)
        try:
            with pytest.raises(ApiError, match=r"flood-stage watermark"):
                _index_for(client, "flood", seconds=25)
        finally:
            client.cluster.put_settings(persistent=dict.fromkeys(limit))


def _index_for(client: Elasticsearch, index: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        client.index(index=index, document={"a": 1})
        time.sleep(0.2)


def test_start_is_refused_when_the_named_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NodeError, match=rf"127.0.0.1:{port}: another program listens on this port"):
            LocalNode(tmp_path, SETTINGS).start(port=port)
    assert not LocalNode(tmp_path, SETTINGS).status().running


def _fake_java(folder: Path, version: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-14' >&2\n")
    java.chmod(0o755)
    return java


@pytest.mark.parametrize(("version", "major"), [("11.0.6", 11), ("1.8.0_392", 8)])
def test_start_is_refused_when_java_is_old(tmp_path: Path, version: str, major: int) -> None:
    java = _fake_java(tmp_path / "jdk", version)
    node = LocalNode(tmp_path / "home", SETTINGS.with_values(node_java=str(java)))
    with pytest.raises(NodeError, match=rf"{java} \(setting node.java\): Java {major} is too old") as caught:
        node.start()
    assert "apt install" in caught.value.remedy


def test_start_is_refused_when_there_is_no_java(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"no Java found.*") as caught:
        LocalNode(tmp_path, SETTINGS, environment={"PATH": str(tmp_path)}).start()
    assert "apt install" in caught.value.remedy


def test_java_is_taken_from_java_home_before_path(tmp_path: Path) -> None:
    java = _fake_java(tmp_path, "21.0.2")
    found = find_java("", {"JAVA_HOME": str(tmp_path), "PATH": os.environ["PATH"]})
    assert (found.path, found.major) == (java, 21)


def test_start_is_refused_when_the_disk_is_full(tmp_path: Path) -> None:
    node = LocalNode(tmp_path, SETTINGS, free_bytes=lambda _: GIB - 1)
    with pytest.raises(NodeError, match=r"the disk is full: 1023 MiB are free"):
        node.start()


def test_start_tells_what_the_node_said_when_it_dies(tmp_path: Path) -> None:
    node = LocalNode(tmp_path, Settings({"node.heap.mib": 2**40}))
    with pytest.raises(NodeError, match=r"(?s)not enough memory for the Java heap; it said:\n.*object heap"):
        node.start()
    assert not node.paths.record.exists()


def test_log_of_an_earlier_life_is_not_told(tmp_path: Path) -> None:
    log = tmp_path / "node.log"
    log.write_text("[ERROR] No space left on device\n")
    mark = diagnosis.LogMark.now(log, tmp_path / "console.log")
    with log.open("a") as file:
        file.write("[ERROR] failed to obtain node locks\n")
    assert diagnosis.node_died(mark).what.startswith("another process uses this data directory")


def test_taken_port_asks_for_another_try(tmp_path: Path) -> None:
    (tmp_path / "console.log").write_text(
        "org.elasticsearch.http.BindHttpException: Failed to bind to 127.0.0.1:9200\n"
    )
    with pytest.raises(diagnosis.PortTaken):
        diagnosis.node_died(diagnosis.LogMark.now(tmp_path / "node.log", tmp_path / "console.log"))


def test_stop_is_false_when_nothing_runs(tmp_path: Path) -> None:
    assert LocalNode(tmp_path, SETTINGS).stop() is False


def test_credentials_say_what_to_do_before_the_first_start(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"busyhour node start"):
        LocalNode(tmp_path, SETTINGS).credentials()


@dataclass
class BulkWriter(threading.Thread):
    """Creates documents in bulks until the node is gone; `acknowledged` holds the ids it was promised."""

    client: Elasticsearch
    acknowledged: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        number = 0
        while True:
            ids = [str(number + i) for i in range(500)]
            operations: list[dict[str, Any]] = []
            for identity in ids:
                operations += [{"create": {"_id": identity}}, {"text": "x" * 200, "number": int(identity)}]
            try:
                answer = self.client.bulk(index="kept", operations=operations)
            except (TransportError, ApiError):
                return
            self.acknowledged |= {item["create"]["_id"] for item in answer["items"] if item["create"]["status"] == 201}
            number += len(ids)


def test_nothing_acknowledged_is_lost_when_the_node_is_killed(tmp_path: Path) -> None:
    node = LocalNode(tmp_path, SETTINGS)
    first = node.start()
    assert first.pid is not None
    try:
        with OwnNode(node, first).client() as client:
            writer = BulkWriter(client)
            writer.start()
            while len(writer.acknowledged) < 5000:
                assert writer.is_alive()
                time.sleep(0.02)
            os.kill(first.pid, signal.SIGKILL)
            second = node.start()  # at once: the killed process may not be gone yet
            writer.join(timeout=30)
        assert second.pid != first.pid
        with OwnNode(node, second).client() as client:
            assert _missing(client, writer.acknowledged) == set()
        assert node.stop()
        assert (node.status().running, node.stop()) == (False, False)
        assert node.status().data_bytes > 0
    finally:
        node.stop()


def _missing(client: Elasticsearch, wanted: set[str]) -> set[str]:
    ids = sorted(wanted)
    found: set[str] = set()
    for start in range(0, len(ids), 5000):
        answer = client.mget(index="kept", ids=ids[start : start + 5000], source=False)
        found |= {doc["_id"] for doc in answer["docs"] if doc["found"]}
    return wanted - found
