"""Which Java runs the node, and whether it is new enough."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import NodeError

LEAST_MAJOR = 17  # Elasticsearch 8's class files are Java 17's
VERSION_TIMEOUT_SEC = 30
HOW_TO_GET_JAVA = (
    "install a JDK 17 or newer (Debian, Ubuntu: sudo apt install openjdk-17-jdk-headless, or -21-; "
    "Fedora: sudo dnf install java-21-openjdk-devel; macOS: brew install openjdk@21), "
    "or name its java program in BUSYHOUR_NODE_JAVA"
)
_VERSION = re.compile(r'version "(\d+)(?:\.(\d+))?')


@dataclass(frozen=True, slots=True)
class Java:
    """A Java program that was asked for its version."""

    path: Path
    major: int

    @property
    def home(self) -> Path | None:
        """The JDK it belongs to, for Maven; None where it has no compiler."""
        home = self.path.resolve().parent.parent
        return home if (home / "bin" / "javac").exists() else None


def find_java(named: str, environment: Mapping[str, str]) -> Java:
    """The Java to use: `named` (setting node.java), else JAVA_HOME, else PATH.

    The first of them that is given is taken or refused, never passed over: a wrong JAVA_HOME is a mistake to hear of.
    Raises NodeError when there is none, when it cannot run, or when it is older than 17.
    """
    path, source = _candidate(named, environment)
    major = _major(path, source)
    if major < LEAST_MAJOR:
        raise NodeError(
            f"Java {major} is too old, the local node needs {LEAST_MAJOR} or newer",
            where=f"{path} ({source})",
            remedy=HOW_TO_GET_JAVA,
        )
    return Java(path, major)


def _candidate(named: str, environment: Mapping[str, str]) -> tuple[Path, str]:
    if named:
        return Path(named).expanduser().absolute(), "setting node.java"
    if java_home := environment.get("JAVA_HOME"):
        return Path(java_home).absolute() / "bin" / "java", "JAVA_HOME"
    found = shutil.which("java", path=environment.get("PATH", ""))
    if found is None:
        raise NodeError(
            "no Java found: neither node.java nor JAVA_HOME is set, and java is not on PATH", remedy=HOW_TO_GET_JAVA
        )
    return Path(found).absolute(), "PATH"


def _major(path: Path, source: str) -> int:
    where = f"{path} ({source})"
    try:
        done = subprocess.run(  # noqa: S603
            [str(path), "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_TIMEOUT_SEC,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise NodeError("no Java there", where=where, remedy=HOW_TO_GET_JAVA) from None
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise NodeError(f"this Java cannot be run: {problem}", where=where, remedy=HOW_TO_GET_JAVA) from problem
    said = (done.stderr + done.stdout).strip()
    match = _VERSION.search(said)
    if done.returncode != 0 or match is None:
        first = said.splitlines()[0] if said else f"exit status {done.returncode}"
        raise NodeError(f"this Java does not tell its version: {first}", where=where, remedy=HOW_TO_GET_JAVA)
    major, minor = int(match[1]), int(match[2] or 0)
    return minor if major == 1 else major  # Java 8 and before call themselves 1.8
