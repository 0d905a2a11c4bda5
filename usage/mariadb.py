"""A MariaDB server of one's own, for tests and benchmarks: installed, or Debian's unpacked into a cache. No port."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pymysql
from sqlalchemy import URL

from contracts.errors import OperatorError

PACKAGES = ("mariadb-server-core", "mariadb-client-core")
_DOWNLOAD_SEC = 300
_START_SEC = 60
_STOP_SEC = 60
_LONGEST_SOCKET = 100  # bytes that the operating system allows for a socket's path


class NoServer(OperatorError):
    """There is no MariaDB here, and none could be had."""


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "busyhour"


def installation() -> Path:
    """The `usr` folder with `sbin/mariadbd` and `bin/mariadb-install-db`: the system's, else Debian's packages unpacked once.

    Needs no root. Raises NoServer with the reason.
    """
    if shutil.which("mariadbd") and shutil.which("mariadb-install-db"):
        return Path(str(shutil.which("mariadbd"))).resolve().parent.parent
    unpacked = cache_folder() / "mariadb"
    unpacked.parent.mkdir(parents=True, exist_ok=True)
    with (unpacked.parent / "mariadb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at once fetch it once
        if not (unpacked / "usr/sbin/mariadbd").is_file():
            _unpack(unpacked)
    return unpacked / "usr"


def _unpack(into: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise NoServer("no MariaDB here, and no apt-get to fetch it with", remedy="install mariadb-server")
    aside = into.with_name("mariadb.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    sys.stderr.write("fetching MariaDB from Debian's packages into the cache (once, 9 MB)\n")
    options = _own_lists(aside)
    wanted = _missing(options)
    _run(["apt-get", *options, "download", *wanted], aside)
    for package in sorted(aside.glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(aside)], aside)
        package.unlink()
    if not (aside / "usr/sbin/mariadbd").is_file():
        raise NoServer("Debian's packages hold no mariadbd", remedy="install mariadb-server")
    for each in ("lists", "archives"):
        shutil.rmtree(aside / each, ignore_errors=True)
    shutil.rmtree(into, ignore_errors=True)
    aside.replace(into)


def _own_lists(folder: Path) -> list[str]:
    """Options for apt with package lists of our own where the system has none, which only root could fetch."""
    quiet = ["-qq", "-o", "APT::Sandbox::User=", "-o", "Debug::NoLocking=1"]
    if _missing(quiet, check=False):
        return quiet
    lists, cache = folder / "lists", folder / "archives"
    for each in (lists / "partial", cache / "partial"):
        each.mkdir(parents=True)
    own = [
        *quiet,
        "-o",
        f"Dir::State::Lists={lists}",
        "-o",
        f"Dir::Cache={cache}",
        "-o",
        f"Dir::Cache::Archives={cache}",
    ]
    _run(["apt-get", *own, "update"], folder)
    return own


def _missing(options: list[str], *, check: bool = True) -> list[str]:
    """Packages that would have to be installed: the two and what they need."""
    command = [
        "apt-get",
        *(each for each in options if each != "-qq"),
        "-s",
        "--no-install-recommends",
        "install",
        *PACKAGES,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_DOWNLOAD_SEC, check=False)  # noqa: S603
    found = re.findall(r"^Inst (\S+)", done.stdout, flags=re.MULTILINE)
    if check and not found:
        raise NoServer(f"apt-get finds no MariaDB: {done.stderr.strip()[-300:]}", remedy="install mariadb-server")
    return found


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command, cwd=folder, capture_output=True, text=True, timeout=_DOWNLOAD_SEC, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoServer(f"{command[0]} did not finish in {_DOWNLOAD_SEC} s", remedy="install mariadb-server") from None
    if done.returncode != 0:
        words = done.stderr.strip()[-300:]
        raise NoServer(f"{' '.join(command[-3:])} failed: {words}", remedy="install mariadb-server")


class LocalMariaDB:
    """A server with its data under `folder`. `url` is of a database that is made empty on each call of `database`."""

    def __init__(self, folder: Path, *, buffer_mib: int = 128, outlives_power: bool = True) -> None:
        self.folder, self._buffer_mib = folder, buffer_mib
        # Without it a commit outlives a killed server, as in a test, but not a machine that loses power.
        self._syncing = [] if outlives_power else ["--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync"]
        self._usr = installation()
        self.socket = folder / "s"
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET:
            raise NoServer(f"the path {folder} is too long for a socket", remedy="choose a shorter temporary directory")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def _environment(self) -> dict[str, str]:
        libraries = [str(path) for path in (self._usr / "lib").glob("*-linux-gnu*")] if self._is_unpacked else []
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)} if libraries else dict(os.environ)

    @property
    def _is_unpacked(self) -> bool:
        return self._usr.is_relative_to(cache_folder().resolve()) or self._usr.is_relative_to(cache_folder())

    def start(self) -> None:
        """Makes the data directory once, starts, and waits until it answers. Raises OperatorError with the log's end."""
        data = self.folder / "data"
        if not data.exists():
            self._install(data)
        arguments = [
            *(str(self._usr / "sbin/mariadbd"), "--no-defaults", f"--basedir={self._usr}", f"--datadir={data}"),
            *(f"--socket={self.socket}", "--skip-networking", f"--pid-file={self.folder / 'pid'}"),
            *(f"--innodb-buffer-pool-size={self._buffer_mib}M", "--local-infile=1", "--skip-name-resolve"),
            *self._syncing,
            *(f"--tmpdir={self.folder}", f"--log-error={self.folder / 'log'}"),
            *(["--user=root"] if os.geteuid() == 0 else []),
        ]
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            arguments, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()

    def _install(self, data: Path) -> None:
        command = [
            str(self._usr / "bin/mariadb-install-db"),
            "--no-defaults",
            f"--basedir={self._usr}",
            f"--datadir={data}",
        ]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        command += ["--user=root"] if os.geteuid() == 0 else []
        done = subprocess.run(  # noqa: S603 - our own words
            command, env=self._environment, capture_output=True, text=True, timeout=_DOWNLOAD_SEC, check=False
        )
        if done.returncode != 0:
            raise OperatorError(f"mariadb-install-db failed: {done.stdout[-300:]}{done.stderr[-300:]}", where=str(data))

    def _wait(self) -> None:
        until = time.monotonic() + _START_SEC
        while True:
            if self._process is None or self._process.poll() is not None or time.monotonic() > until:
                log = (self.folder / "log").read_text(errors="replace")[-500:] if (self.folder / "log").exists() else ""
                raise OperatorError(f"MariaDB did not start: {log}", where=str(self.folder))
            if self._listens():
                return
            time.sleep(0.05)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
        return True

    def _connect(self) -> pymysql.connections.Connection[pymysql.cursors.Cursor]:
        return pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)

    def execute(self, statement: str) -> None:
        """One statement as the server's root."""
        connection = self._connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def database(self, name: str) -> str:
        """URL of an empty database of that name, for usage.url."""
        self.execute(f"CREATE OR REPLACE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        return self.url(name)

    def url(self, name: str) -> str:
        query = {"unix_socket": str(self.socket)}
        return URL.create(
            "mysql+pymysql", username="root", host="localhost", database=name, query=query
        ).render_as_string()

    def kill(self) -> None:
        """As a crash: nothing is finished in good order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """In good order, in a minute at most."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SEC)
        except subprocess.TimeoutExpired:
            self.kill()
