"""The node's process: its command line, its birth and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.errors import NodeError
from infrastructure.node import processes
from infrastructure.node.build import FOLDER
from infrastructure.node.files import NodePaths
from infrastructure.node.java import Java
from infrastructure.node.probe import Ports

USER = "elastic"
MAIN_CLASS = "busyhour.node.Main"
POLL_SEC = 0.1
KILL_WAIT_SEC = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """One process for good: `birth` is the `processes.birth_mark` of `pid`, which tells it from later ones of that pid."""

    pid: int
    birth: str

    def runs(self) -> bool:
        return processes.birth_mark(self.pid) == self.birth


def command(
    paths: NodePaths, java: Java, class_path: str, ports: Ports, heap_mib: int, java_options: tuple[str, ...] = ()
) -> list[str]:
    """What runs the node. The password is not in it, only the file that holds it."""
    # COMPAT (Java 8's calendars, which Elasticsearch 8 expects) was removed from Java 23.
    locales = "SPI,COMPAT" if java.major < 23 else "SPI,CLDR"
    return [
        str(java.path),
        f"-Xms{heap_mib}m",
        f"-Xmx{heap_mib}m",
        f"-XX:MaxDirectMemorySize={heap_mib // 2}m",
        *java_options,
        f"@{FOLDER / 'config' / 'jvm.options'}",
        f"-Djava.locale.providers={locales}",
        f"-Djava.io.tmpdir={paths.temporary}",
        f"-XX:ErrorFile={paths.log.with_name('java-crash-%p.log')}",
        f"-Des.path.home={paths.node}",
        f"-Des.path.conf={paths.config}",
        "-cp",
        class_path,
        MAIN_CLASS,
        str(paths.node),
        str(paths.password),
        f"http.port={ports.http}",
        f"transport.port={ports.transport}",
    ]


def spawn(arguments: list[str], paths: NodePaths, environment: Mapping[str, str]) -> Process:
    """Starts a process of its own session: closing the terminal or Ctrl-C there does not reach it."""
    # The caller's environment may hold secrets and Java options that are not the node's. UTF-8 is for file names.
    own = {"LC_ALL": "C.UTF-8", "PATH": environment.get("PATH", ""), "HOME": environment.get("HOME", str(paths.home))}
    with paths.console.open("wb") as console:
        process = subprocess.Popen(  # noqa: S603
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            cwd=paths.node,
            env=own,
            start_new_session=True,
        )
    # Tells subprocess that nobody waits for it (it would warn of a child that still runs): it is meant to stay.
    process.returncode = 0
    return Process(process.pid, processes.birth_mark(process.pid) or "ended at once")


def end(process: Process, timeout_sec: float) -> None:
    """SIGTERM, and after `timeout_sec` SIGKILL; returns when the process is gone.

    Raises NodeError when it belongs to another user or stays in spite of SIGKILL.
    """
    for number, wait_sec in ((signal.SIGTERM, timeout_sec), (signal.SIGKILL, KILL_WAIT_SEC)):
        if _ended_by(process, number, wait_sec):
            processes.collect(process.pid)
            return
    raise NodeError(
        f"process {process.pid} does not end, not even killed", remedy="its disk may hang: see the kernel's log (dmesg)"
    )


def _ended_by(process: Process, number: signal.Signals, wait_sec: float) -> bool:
    deadline = time.monotonic() + wait_sec
    if process.runs():
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return True
        except PermissionError:
            raise NodeError(
                f"process {process.pid} belongs to another user", remedy="stop it as the user who started it"
            ) from None
    while process.runs():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SEC)
    return True
