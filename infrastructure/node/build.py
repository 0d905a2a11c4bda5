"""Builds the node with Maven, once: again only when pom.xml or the Java sources changed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import NodeError
from infrastructure.node.java import HOW_TO_GET_JAVA, Java

FOLDER = Path(__file__).resolve().parent
JAR = "busyhour-node.jar"
STAMP = "built.sha256"
BUILD_TIMEOUT_SEC = 1800  # about 90 MB come down the first time, on whatever line there is
SHOWN_LINES = 12
HOW_TO_GET_MAVEN = (
    "install Maven 3.8 or newer (Debian, Ubuntu: sudo apt install maven; Fedora: sudo dnf install maven; "
    "macOS: brew install maven)"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What Maven says → what to do about it; the first that matches is told.
_REMEDIES: tuple[tuple[str, str], ...] = (
    (r"No compiler is provided|perhaps you are running on a JRE", HOW_TO_GET_JAVA),
    (r"invalid target release|release version \d+ not supported|UnsupportedClassVersionError", HOW_TO_GET_JAVA),
    (r"No space left on device", "free some disk space and start again"),
    (
        r"Could not (resolve|transfer|find)|UnknownHost|Connection|offline mode",
        "check the network; behind a proxy or a mirror, name it in ~/.m2/settings.xml",
    ),
)


def ensure_built(
    java: Java,
    environment: Mapping[str, str],
    *,
    progress: Callable[[str], None] = lambda _: None,
    folder: Path = FOLDER,
) -> str:
    """The class path of the node, built first when there is need.

    Two processes that come at once build once. Raises NodeError: no Maven, or Maven failed (with its last lines).
    """
    target = folder / "target"
    digest = source_digest(folder)
    if not _is_built(target, digest):
        with build_lock(target):
            if not _is_built(target, digest):  # another process may have built while this one waited
                _build(folder, target, java, environment, progress)
                (target / STAMP).write_text(digest, encoding="ascii")
    return os.pathsep.join([str(target / JAR), str(target / "lib" / "*")])


def source_digest(folder: Path = FOLDER) -> str:
    """SHA-256 over the names and contents of pom.xml and everything under src/, hexadecimal."""
    digest = hashlib.sha256()
    for path in [folder / "pom.xml", *sorted((folder / "src").rglob("*.java"))]:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _is_built(target: Path, digest: str) -> bool:
    try:
        return (target / STAMP).read_text(encoding="ascii") == digest and (target / JAR).exists()
    except FileNotFoundError:
        return False


@contextmanager
def build_lock(target: Path) -> Iterator[None]:
    """One process at a time in `target`. Raises NodeError where it may not be written."""
    try:
        target.mkdir(exist_ok=True)
        lock = (target / "build.lock").open("w")
    except OSError as problem:
        raise NodeError(
            f"the node cannot be built here: {problem.strerror}",
            where=str(target),
            remedy="make the folder writable, or build it as a user who may write there",
        ) from problem
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(
    folder: Path, target: Path, java: Java, environment: Mapping[str, str], progress: Callable[[str], None]
) -> None:
    maven = shutil.which("mvn", path=environment.get("PATH", ""))
    if maven is None:
        raise NodeError("Maven is needed to fetch Elasticsearch, and mvn is not on PATH", remedy=HOW_TO_GET_MAVEN)
    _clear(target)
    progress("fetching and building the local Elasticsearch with Maven (once; about 90 MB)")
    environment = dict(environment)
    if java.home is not None:
        environment["JAVA_HOME"] = str(java.home)  # the Java that was checked, not whatever mvn would pick
    command = [maven, "-B", "-q", "-f", str(folder / "pom.xml"), "package"]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=BUILD_TIMEOUT_SEC,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NodeError(
            f"Maven was not done after {BUILD_TIMEOUT_SEC} s",
            where=str(folder),
            remedy="check the network, then start again: what was fetched is kept",
        ) from None
    except OSError as problem:
        raise NodeError(f"Maven cannot be run: {problem}", where=maven, remedy=HOW_TO_GET_MAVEN) from problem
    if done.returncode != 0:
        raise _maven_failed(done.stdout, folder)


def _clear(target: Path) -> None:
    """Jars of an older Elasticsearch must not stay beside the new ones.

    A node that runs keeps its open jars; they are removed and made anew, never overwritten under it.
    """
    (target / STAMP).unlink(missing_ok=True)
    (target / JAR).unlink(missing_ok=True)
    for name in ("lib", "classes", "maven-status"):
        shutil.rmtree(target / name, ignore_errors=True)


def _maven_failed(output: str, folder: Path) -> NodeError:
    plain = _COLOUR.sub("", output)
    lines = [line for line in plain.splitlines() if line.strip() and line.strip() != "[ERROR]"]
    remedy = next(
        (told for pattern, told in _REMEDIES if re.search(pattern, plain, re.IGNORECASE)),
        f"run `mvn package` in {folder} to see all of it",
    )
    return NodeError(
        "Maven failed; its last lines:\n    " + "\n    ".join(lines[-SHOWN_LINES:]),
        where=str(folder / "pom.xml"),
        remedy=remedy,
    )
