"""Halves the start: Java's archive of the 20,000 classes that a node loads, parsed and verified once.

The JVM itself checks that an archive fits its version and the jars, and goes on without one that does not. So nothing
here is an error: where no archive can be made, the node starts as before, some seconds slower.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from infrastructure.node import launch
from infrastructure.node.build import FOLDER, build_lock, source_digest
from infrastructure.node.files import NodePaths, ensure_password, read_password
from infrastructure.node.java import Java
from infrastructure.node.probe import ask, choose_ports

HEAP_MIB = 512
READY_SEC = 90.0
DUMP_SEC = 90.0  # writing the archive takes about 8 s, after the node has closed


def ensure_archive(
    java: Java, class_path: str, environment: Mapping[str, str], progress: Callable[[str], None] = lambda _: None
) -> Path | None:
    """The class archive of this build and this Java, made first when it is missing; None where it cannot be made."""
    target = FOLDER / "target"
    archive = target / f"classes-{_key(java)}.jsa"
    if not archive.exists():
        with build_lock(target):
            if not archive.exists():
                progress("preparing quick starts (once)")
                _make(archive, java, class_path, environment)
    return archive if archive.stat().st_size else None


def _key(java: Java) -> str:
    """Differs when Java or the build does, as the archive then must."""
    program = java.path.resolve()
    facts = f"{source_digest()} {program} {program.stat().st_mtime_ns}"
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _make(archive: Path, java: Java, class_path: str, environment: Mapping[str, str]) -> None:
    """Runs a node on an empty home until it serves, and has Java write down what it loaded."""
    for older in archive.parent.glob("classes-*.jsa"):
        older.unlink()
    part = archive.with_suffix(".part")
    part.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="busyhour-node-") as home:
        _run_once(NodePaths(Path(home)), part, java, class_path, environment)
    if part.exists():
        part.rename(archive)
    else:
        archive.touch()  # empty: tried in vain, not to be tried at each start


def _run_once(paths: NodePaths, part: Path, java: Java, class_path: str, environment: Mapping[str, str]) -> None:
    paths.make()
    ensure_password(paths.password)
    ports = choose_ports(0)
    options = (f"-XX:ArchiveClassesAtExit={part}",)
    process = launch.spawn(launch.command(paths, java, class_path, ports, HEAP_MIB, options), paths, environment)
    try:
        _await_served(process, ports.http, (launch.USER, read_password(paths.password)))
    except BaseException:  # an interrupt: no archive of half a start, and no node that nobody knows of
        launch.end(process, timeout_sec=0)
        part.unlink(missing_ok=True)
        raise
    launch.end(process, DUMP_SEC)


def _await_served(process: launch.Process, port: int, credentials: tuple[str, str]) -> None:
    deadline = time.monotonic() + READY_SEC
    while process.runs() and time.monotonic() < deadline:
        answer = ask(port, "/_cluster/health?wait_for_status=yellow&timeout=2s", credentials)
        if answer is not None and answer.status == 200:
            return
        time.sleep(launch.POLL_SEC)
