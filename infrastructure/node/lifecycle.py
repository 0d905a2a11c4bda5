"""Start, watch and stop the local node. It outlives the process that started it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from contracts.clock import Clock, iso, utc_now
from contracts.errors import NodeError
from contracts.settings import Settings
from infrastructure.node import diagnosis, launch, processes
from infrastructure.node.archive import ensure_archive
from infrastructure.node.build import BUILD_TIMEOUT_SEC, ensure_built
from infrastructure.node.files import NodePaths, NodeRecord, ensure_password, read_password
from infrastructure.node.java import find_java
from infrastructure.node.probe import LOOPBACK, Ports, ask, choose_ports, health_words

LEAST_FREE_BYTES = 1024**3  # where Elasticsearch refuses writes, too: the flood stage of config/elasticsearch.yml
ENDING_SEC = 10.0  # how long a killed process may take to give back its memory and locks
START_TRIES = 2  # a free port may be gone before the node binds it; twice in a row is no accident

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    """Progress nobody looks at."""


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How the node is. `health` is Elasticsearch's colour, None while it does not answer; sizes in bytes and MiB."""

    running: bool
    pid: int | None
    url: str | None
    home: Path
    version: str | None
    health: str | None
    data_bytes: int
    log: Path
    heap_mib: int | None
    started: str | None = None


class LocalNode:
    """The Elasticsearch node of one home directory. Clock, environment and disk come in so that tests pin them."""

    def __init__(
        self,
        home: Path,
        settings: Settings,
        *,
        environment: Mapping[str, str] | None = None,
        free_bytes: Callable[[Path], int] = _free_bytes,
        clock: Clock = utc_now,
    ) -> None:
        self.paths = NodePaths(home.expanduser().absolute())
        self._settings = settings
        self._environment = os.environ if environment is None else environment
        self._free_bytes = free_bytes
        self._clock = clock

    def start(self, *, port: int | None = None, progress: Progress = _silent) -> NodeStatus:
        """Starts the node and waits until it serves. `port` None: the setting node.port; 0: a free one.

        Raises NodeError, naming what to do: one runs already, no or old Java, no Maven, port taken, disk full, the
        data in use by another process, or the node ended or did not become ready in node.start.sec seconds.
        """
        with self._starting(progress):
            if (record := self._settled()) is not None:
                raise NodeError(
                    f"a node runs already: pid {record.pid}, {record.url}",
                    where=str(self.paths.node),
                    remedy="use it, or stop it first: busyhour node stop",
                )
            return self._start(port, progress)

    def ensure(self, *, port: int | None = None, progress: Progress = _silent) -> NodeStatus:
        """The node as it runs, started when it does not, ready either way. Raises NodeError as `start` does.

        A `port` named for a node that runs already is not heeded.
        """
        with self._starting(progress):
            if (record := self._settled()) is None:
                return self._start(port, progress)
            self._await_ready(record, self._log_mark())  # whoever started it may have been interrupted before this
            return self.status()

    def stop(self, timeout_sec: float = 30) -> bool:
        """Ends the node: asks (SIGTERM), and after `timeout_sec` insists (SIGKILL). False when none ran."""
        record = self._running()
        if record is None:
            self._refuse_data_in_use()
            self.paths.record.unlink(missing_ok=True)
            return False
        launch.end(_process(record), timeout_sec)
        self.paths.record.unlink(missing_ok=True)
        return True

    def status(self) -> NodeStatus:
        """How the node is now; asks it when it runs."""
        record = self._running()
        data_bytes = self.paths.data_bytes()
        if record is None:
            return NodeStatus(
                running=False,
                pid=None,
                url=None,
                home=self.paths.home,
                version=None,
                health=None,
                data_bytes=data_bytes,
                log=self.paths.log,
                heap_mib=None,
            )
        credentials = self.credentials()
        root = ask(record.port, "/", credentials)
        health = ask(record.port, "/_cluster/health?filter_path=status", credentials)
        version = root.body.get("version", {}).get("number") if root is not None else None
        return NodeStatus(
            running=True,
            pid=record.pid,
            url=record.url,
            home=self.paths.home,
            version=version,
            health=health_words(health),
            data_bytes=data_bytes,
            log=self.paths.log,
            heap_mib=record.heap_mib,
            started=record.started,
        )

    def credentials(self) -> tuple[str, str]:
        """User and password of the node's superuser. Raises NodeError before the first start."""
        return launch.USER, read_password(self.paths.password)

    def _running(self) -> NodeRecord | None:
        """The record of a process that is still the one written down; None when it is stale or absent."""
        record = NodeRecord.read(self.paths.record)
        return record if record is not None and _process(record).runs() else None

    def _settled(self) -> NodeRecord | None:
        """As `_running`; a node that was killed a moment ago and is still giving back its memory is waited for.

        It is told by not answering: its port may take connections until its very end. No password is needed to ask,
        a refusal is an answer.
        """
        deadline = time.monotonic() + ENDING_SEC
        while (record := self._running()) is not None and time.monotonic() < deadline:
            if ask(record.port, "/", ("", "")) is not None:
                break
            time.sleep(launch.POLL_SEC)
        return record

    @contextmanager
    def _starting(self, progress: Progress) -> Iterator[None]:
        """Makes the home and lets one start at a time pass. The lock ends with this process, however it ends."""
        try:
            self.paths.make()
            lock = self.paths.start_lock.open("w")
        except OSError as problem:
            raise _unwritable(problem, self.paths.home) from problem
        with lock:
            if not _locked(lock):
                progress("waiting for another start of this node")
                self._await_lock(lock)
            yield

    def _await_lock(self, lock: TextIO) -> None:
        # The other start may have to build, too.
        deadline = time.monotonic() + self._settings.number("node.start.sec") + BUILD_TIMEOUT_SEC
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise NodeError(
                    "another start of this node is under way and does not end",
                    where=str(self.paths.node),
                    remedy="end that process, then try again",
                )
            time.sleep(launch.POLL_SEC)

    def _start(self, port: int | None, progress: Progress) -> NodeStatus:
        self._refuse_data_in_use()
        self._refuse_full_disk()
        named = self._settings.number("node.port") if port is None else port
        choose_ports(named)  # a taken port is told before the long work
        java = find_java(self._settings.text("node.java"), self._environment)
        class_path = ensure_built(java, self._environment, progress=progress)
        archive = ensure_archive(java, class_path, self._environment, progress)
        options = (f"-XX:SharedArchiveFile={archive}",) if archive else ()
        try:
            ensure_password(self.paths.password)
            for _ in range(START_TRIES):
                with contextlib.suppress(diagnosis.PortTaken):
                    ports, heap = choose_ports(named), self._settings.number("node.heap.mib")
                    command = launch.command(self.paths, java, class_path, ports, heap, options)
                    return self._launch(command, ports, heap, progress)
        except OSError as problem:
            raise _unwritable(problem, self.paths.home) from problem
        raise NodeError(
            "the node's ports were taken by others, twice",
            where=str(self.paths.log),
            remedy="try again, or name a port (--port, BUSYHOUR_NODE_PORT)",
        )

    def _refuse_data_in_use(self) -> None:
        holder = self._data_holder()
        if holder is not None:
            who = f"process {holder}" if holder else "a process"
            raise NodeError(
                f"{who} uses this data directory, and it is not a node started from this home",
                where=str(self.paths.data),
                remedy="end that process, or name another home in BUSYHOUR_HOME",
            )

    def _data_holder(self) -> int | None:
        """The process that uses the data; our own node is given the time to end, of which it may need a little.

        A holder without a name may be it as well: a process that ends between two looks leaves a lock of nobody.
        """
        record = NodeRecord.read(self.paths.record)
        ours = (processes.UNKNOWN_HOLDER, record.pid) if record is not None else ()
        deadline = time.monotonic() + ENDING_SEC
        while (holder := processes.lock_holder(self.paths.data_lock)) is not None:
            if holder not in ours or time.monotonic() > deadline:
                break
            time.sleep(launch.POLL_SEC)
        return holder

    def _refuse_full_disk(self) -> None:
        free = self._free_bytes(self.paths.node)
        if free < LEAST_FREE_BYTES:
            raise NodeError(
                f"the disk is full: {free // 1024**2} MiB are free, a node needs "
                f"{LEAST_FREE_BYTES // 1024**2} MiB to take writes",
                where=str(self.paths.node),
                remedy="free some space, or name a home on another disk in BUSYHOUR_HOME",
            )

    def _launch(self, command: list[str], ports: Ports, heap: int, progress: Progress) -> NodeStatus:
        mark = self._log_mark()
        progress(f"starting Elasticsearch on {LOOPBACK}:{ports.http} with {heap} MiB of heap")
        process = launch.spawn(command, self.paths, self._environment)
        record = NodeRecord(
            pid=process.pid,
            birth=process.birth,
            port=ports.http,
            url=f"http://{LOOPBACK}:{ports.http}",
            transport_port=ports.transport,
            heap_mib=heap,
            started=iso(self._clock()),
            java=command[0],
        )
        try:
            record.write(self.paths.record)  # before it is ready: should this process die, the node is still known
            self._await_ready(record, mark)
        except BaseException:  # also an interrupt: nobody would know of a node that was never announced
            launch.end(_process(record), timeout_sec=5)
            self.paths.record.unlink(missing_ok=True)
            raise
        return self.status()

    def _log_mark(self) -> diagnosis.LogMark:
        return diagnosis.LogMark.now(self.paths.log, self.paths.console)

    def _await_ready(self, record: NodeRecord, mark: diagnosis.LogMark) -> None:
        limit = self._settings.number("node.start.sec")
        deadline = time.monotonic() + limit
        answer = None
        while time.monotonic() < deadline:
            if not _process(record).runs():
                processes.collect(record.pid)
                raise diagnosis.node_died(mark)
            answer = ask(record.port, "/_cluster/health?wait_for_status=yellow&timeout=2s", self.credentials())
            if health_words(answer) in ("green", "yellow"):
                return
            time.sleep(launch.POLL_SEC)
        if answer is not None and answer.status == 401:
            raise NodeError(
                "the node refuses the password kept for it",
                where=str(self.paths.password),
                remedy="write the password that the user elastic was given into this file",
            )
        if health_words(answer) is None:  # red is an answer: it serves what is whole, and `status` says so
            raise NodeError(
                f"not ready after {limit} s; it said:\n{diagnosis.relevant_lines(mark.text())}",
                where=str(mark.log),
                remedy="give it longer in BUSYHOUR_NODE_START_SEC, or read the log",
            )


def _process(record: NodeRecord) -> launch.Process:
    return launch.Process(record.pid, record.birth)


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unwritable(problem: OSError, home: Path) -> NodeError:
    return NodeError(
        f"the home of the node cannot be used: {problem.strerror or problem}",
        where=str(problem.filename or home),
        remedy="make room or give rights there, or name another home in BUSYHOUR_HOME",
    )
