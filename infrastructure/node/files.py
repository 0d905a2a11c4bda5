"""What the node keeps under its home: directories, the password, and the note on the running process."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from contracts.errors import NodeError

PASSWORD_BYTES = 24  # 192 random bits
_CONFIG = Path(__file__).resolve().parent / "config"
_COPIED = ("elasticsearch.yml", "log4j2.properties")


@dataclass(frozen=True, slots=True)
class NodePaths:
    """Where everything of one local node is, all of it under `home`."""

    home: Path

    @property
    def node(self) -> Path:
        return self.home / "node"

    @property
    def config(self) -> Path:
        return self.node / "config"

    @property
    def data(self) -> Path:
        return self.node / "data"

    @property
    def data_lock(self) -> Path:
        """Elasticsearch's own lock: held by the process that uses the data, whoever started it."""
        return self.data / "node.lock"

    @property
    def log(self) -> Path:
        return self.node / "logs" / "node.log"

    @property
    def console(self) -> Path:
        """Standard output and error: what Java says before the log is open, or when it dies."""
        return self.node / "logs" / "console.log"

    @property
    def temporary(self) -> Path:
        return self.node / "tmp"

    @property
    def start_lock(self) -> Path:
        return self.node / "start.lock"

    @property
    def record(self) -> Path:
        return self.node / "node.json"

    @property
    def password(self) -> Path:
        return self.home / "secrets" / "elastic.password"

    def make(self) -> None:
        """Creates what is missing, for its owner alone, and lays the configuration out anew."""
        self.home.mkdir(parents=True, exist_ok=True)
        for directory in (self.node, self.password.parent):
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)  # also where it was there before, or where the umask took more
        for directory in (self.config, self.data, self.log.parent, self.temporary):
            directory.mkdir(exist_ok=True)
        for name in _COPIED:
            shutil.copyfile(_CONFIG / name, self.config / name)

    def data_bytes(self) -> int:
        """Bytes of the data directory; files that vanish while counting (merged segments) count as nothing."""
        total = 0
        for directory, _, names in os.walk(self.data):
            for name in names:
                try:
                    total += os.lstat(os.path.join(directory, name)).st_size  # noqa: PTH118 (100,000 files: no Path each)
                except FileNotFoundError:
                    continue
        return total


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """node.json: the process that was started last; `pid` and `birth` are those of `launch.Process`."""

    pid: int
    birth: str
    port: int
    url: str
    transport_port: int
    heap_mib: int
    started: str
    java: str

    def write(self, path: Path) -> None:
        """Whole or not at all: a reader never sees half a record."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> NodeRecord | None:
        """The record, None where there is none. Raises NodeError when the file is not one."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{field.name: found[field.name] for field in fields(cls)})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as problem:
            raise NodeError(
                "this is not a record of a local node",
                where=str(path),
                remedy="make sure that no node runs on this home, then remove the file",
            ) from problem


def ensure_password(path: Path) -> None:
    """Makes a random password unless there is one; the file is 0600 from its first byte."""
    if path.exists():
        path.chmod(0o600)
        return
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(PASSWORD_BYTES) + "\n")
        file.flush()
        os.fsync(handle)
    part.rename(path)


def read_password(path: Path) -> str:
    """The password. Raises NodeError when there is none yet or it may not be read."""
    try:
        password = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise NodeError(
            "there is no password yet", where=str(path), remedy="start the node once: busyhour node start"
        ) from None
    except OSError as problem:
        raise NodeError(
            f"the password cannot be read: {problem.strerror}",
            where=str(path),
            remedy="run as the user who started the node",
        ) from problem
    if not password:
        raise NodeError("the password file is empty", where=str(path), remedy="remove it and start the node anew")
    return password
