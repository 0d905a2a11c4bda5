"""A real Filebeat ships into `busyhour listen`, both are killed, Elasticsearch goes away: every line once, as `ingest` stores it.

Filebeat is 7.17.29, the newest that Go can build. It runs the shipped files for 8.19 but for three values: where the CDRs are,
how often folders are looked at, and `clean_inactive`, whose word for never is 0 in 7.17. It knows files by their fingerprint
as 8.19 does, but does not put `log.file.fingerprint` into events: test_listen_documents.py holds that, with events of 8.19.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.indices import CDR_INDEX
from contracts.settings import Settings
from infrastructure.node.lifecycle import LocalNode
from infrastructure.setup import empty
from infrastructure.store import Store
from mediation import ingest
from mediation.samples import write_sample
from tests.listen import certificates
from tests.listen.filebeat_build import filebeat
from tests.listen.test_listen_documents import GOLDEN, stored

ROOT = Path(__file__).resolve().parents[2]
ROWS = {"voip-busyhour": 4000, "sms-busyhour": 3000, "epc-busyhour": 2000}
KILLS = 6
CHANCE = random.Random(time.time_ns())


@dataclass
class Rig:
    """The two programs and their folders; each can be killed and started again."""

    folder: Path
    settings: Settings
    certificates: Path
    port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def cdrs(self) -> Path:
        return self.folder / "cdr"

    def start(self, name: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        command = self._listen() if name == "listen" else self._filebeat()
        environment = {
            **os.environ,
            "BUSYHOUR_HOME": self.settings.text("home"),
            "BUSYHOUR_INGEST_CHUNK_LINES": "300",
            "LISTEN_HOSTS": f"localhost:{self.port}",
        }
        with log:
            self.running[name] = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """kill -9, of `timeout` and what it watches, too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running[name].wait()

    def words(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def _listen(self) -> list[str]:
        server = self.certificates / "logstash"
        return [
            *(sys.executable, "-m", "cli.main", "listen", "--port", str(self.port)),
            *("--tls-cert", str(server / "logstash.crt"), "--tls-key", str(server / "logstash.key")),
            *("--client-ca", str(server / "ca.crt")),
        ]

    def _filebeat(self) -> list[str]:
        # `timeout`: it never outlives the test, whatever becomes of it.
        return [
            *("timeout", "--signal=KILL", "300", str(filebeat()), "-e", "--strict.perms=false"),
            *("--path.home", str(self.folder / "home"), "--path.config", str(self.folder / "config")),
            *("-c", "filebeat.yml", "-c", "output-listen.yml"),
            *("-E", "output.logstash.backoff.max=1s", "-E", "output.logstash.bulk_max_size=256"),
        ]


@pytest.fixture
def rig(store: Store, node_settings: Settings, tmp_path: Path) -> Iterator[Rig]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = Rig(tmp_path, node_settings, certificates.make(tmp_path / "made"), port)
    _install(made)
    filebeat()
    yield made
    for name in made.running:
        made.kill(name)


def _install(rig: Rig) -> None:
    config = rig.folder / "config"
    shutil.copytree(ROOT / "filebeat", config)
    shutil.copytree(rig.certificates / "filebeat", config / "certs")
    for path in (config / "inputs.d").glob("*.yml"):
        rows: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
        for row in rows:
            row["paths"] = [each.replace("/var/lib/cdr", str(rig.cdrs)) for each in row["paths"]]
            assert row["clean_inactive"] == -1
            row |= {"prospector.scanner.check_interval": "200ms", "clean_inactive": 0}
        path.write_text(yaml.safe_dump(rows), encoding="utf-8")


def _write(rig: Rig) -> None:
    """Files of three families, with lines twice and bad lines, and one that is written in two parts."""
    for name, rows in ROWS.items():
        path = rig.cdrs / name / f"{name}.csv"
        path.parent.mkdir(parents=True)
        write_sample(name, path, rows=rows, seed=len(name))
        header, *lines = path.read_text().splitlines()
        lines += [*lines[:: rows // 50], *(f"bad{index % 40},{line}" for index, line in enumerate(lines[:80]))]
        random.Random(1).shuffle(lines)
        path.write_text("\n".join([header, *lines]) + "\n")
    golden = rig.cdrs / "voip-public"
    golden.mkdir()
    lines_of_it = (GOLDEN / "voip-public" / "input.csv").read_bytes().split(b"\n")
    (golden / "input.csv").write_bytes(b"\n".join(line for line in lines_of_it if _utf8(line)))


def _utf8(line: bytes) -> bool:
    """Others have another id than with `ingest`, since Filebeat alters them."""
    try:
        return "\ufffd" not in line.decode()
    except UnicodeDecodeError:
        return False


def _count(store: Store) -> int:
    names = (*CDR_INDEX.values(), "cdr-reject")
    store.refresh(*names)
    return sum(store.count(name) for name in names)


def _until(store: Store, rig: Rig, wanted: int, seconds: float) -> int:
    """Waits until so many documents are there; how many there are then."""
    end = time.monotonic() + seconds
    while (found := _count(store)) < wanted:
        if time.monotonic() > end:
            said = {name: rig.words(name)[-3000:] for name in rig.running}
            raise AssertionError(f"{found} of {wanted} documents after {seconds} s: {said}")
        time.sleep(0.2)
    return found


def _without_fingerprint(documents: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    for source in documents.values():
        source["log"]["file"].pop("fingerprint", None)
    return documents


def _by_ingest(store: Store, rig: Rig) -> dict[str, dict[str, Any]]:
    """What `ingest` makes of the files; the store is empty again afterwards."""
    report = ingest(store, [rig.cdrs])
    assert not report.errors
    assert min(report.indexed, report.duplicate, report.rejected) > 0
    found = _without_fingerprint(stored(store))
    empty(store)
    return found


def test_filebeat_ships_what_ingest_reads_also_of_a_file_that_grows_and_is_renamed(store: Store, rig: Rig) -> None:
    folder = rig.cdrs / "voip-busyhour"
    folder.mkdir(parents=True)
    path = folder / "calls.csv"
    write_sample("voip-busyhour", path, rows=400, seed=8)
    whole = path.read_bytes()
    wanted = _by_ingest_of(store, path)
    half = whole[: len(whole) // 2]
    path.write_bytes(half)
    rig.start("listen")
    rig.start("filebeat")
    _until(store, rig, half.count(b"\n") - 1, 30)
    moved = path.rename(folder / "calls.csv.1")
    with moved.open("ab") as stream:
        stream.write(whole[len(half) :])
    _until(store, rig, len(wanted), 30)
    time.sleep(1)
    found = _without_fingerprint(stored(store))
    assert found.keys() == wanted.keys()
    for key, source in wanted.items():
        found[key]["log"]["file"] = source["log"]["file"]  # the name at the time of reading
        assert found[key] == source


def _by_ingest_of(store: Store, path: Path) -> dict[str, dict[str, Any]]:
    assert ingest(store, [path]).rejected == 0
    found = _without_fingerprint(stored(store))
    empty(store)
    return found


def test_nothing_is_lost_or_doubled_when_everything_is_killed(store: Store, rig: Rig) -> None:
    _write(rig)
    wanted = _by_ingest(store, rig)
    rig.start("listen")
    rig.start("filebeat")
    under_way = 0
    for part in range(1, KILLS + 1):
        found = _until(store, rig, len(wanted) * part // (KILLS + 3), 60)
        time.sleep(CHANCE.uniform(0, 0.2))
        victim = "filebeat" if part % 2 else "listen"
        rig.kill(victim)
        under_way += found < len(wanted)
        rig.start(victim)
        if (
            part == KILLS // 2 | 1
        ):  # an odd one: a listen that has only been started would find no Elasticsearch, and end
            node = LocalNode(Path(rig.settings.text("home")), rig.settings)
            node.stop()
            time.sleep(2)
            node.start()
    assert under_way == KILLS, "all kills came in the middle"
    _until(store, rig, len(wanted), 60)
    time.sleep(2)  # what is sent again arrives
    found_documents = _without_fingerprint(stored(store))
    assert found_documents.keys() == wanted.keys()
    assert _content(found_documents) == _content(wanted)
    for process in rig.running.values():
        assert process.poll() is None, {name: rig.words(name)[-2000:] for name in rig.running}


def _content(documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Without the place: of a line that a file has twice, either may come first when batches are sent again."""
    return {key: {name: value for name, value in source.items() if name != "log"} for key, source in documents.items()}
