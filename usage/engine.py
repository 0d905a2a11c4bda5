"""The one way to the usage database: URL and password, pooling, transactions that are tried again, errors in our words.

A URL such as `mysql+pymysql://busyhour@db.example/usage` or `sqlite:////var/lib/busyhour/usage.sqlite`; empty: SQLite under home.
No password is ever shown: not in errors, not in logs, not in the place that reports name.
"""

from __future__ import annotations

import random
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pymysql
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from contracts.clock import Clock, utc_now
from contracts.errors import OperatorError, SettingError, StoreRefused, StoreUnavailable
from contracts.settings import Settings

Answer = TypeVar("Answer")
POOL_CONNECTIONS = 5
POOL_OVERFLOW = 15
RECYCLE_SEC = 1800  # servers close connections that were idle for hours
CONNECT_SEC = 10
_PORT = 3306
BUSY_MS = 30_000  # SQLite: how long one writer waits for another
_FIRST_PAUSE_SEC = 0.05
_LONGEST_PAUSE_SEC = 5.0
# MariaDB error codes after which the transaction is gone and may be tried again as a whole.
_LOST = {1040, 1053, 1077, 1079, 1927, 2002, 2003, 2006, 2013, 2055}  # server busy, going, gone, not there yet
_LOST_AT_ONCE = 2003
_RACE = {1020, 1205, 1213}  # another writer: record changed, lock wait, deadlock
_DUPLICATE = 1062
_MOST_RACES = 20  # two writers with the same new record: the loser looks again, and finds it
_DENIED = {1044, 1045, 1049, 1142, 1143, 1227, 1698}
_DRIVERS = {"sqlite": "pysqlite", "mysql": "pymysql", "mariadb": "pymysql"}


class UsageStore:
    """A database and how to talk to it. Safe for threads; make one a process, since it pools connections."""

    def __init__(
        self,
        engine: Engine,
        *,
        wait_sec: float = 60.0,
        clock: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.engine = engine
        # Writers lock what they touch and nothing between; each transaction looks again after a conflict.
        options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "READ COMMITTED"}
        self._writer = engine.execution_options(busyhour_writes=True, **options)
        self.place = place_of(engine.url)
        self.clock = clock
        self._wait_sec, self._sleep, self._monotonic, self._say = wait_sec, sleep, monotonic, say

    @classmethod
    def open(cls, settings: Settings, **keywords: Any) -> UsageStore:
        """Store of usage.url, else SQLite under home. Connects on first use. Raises SettingError on a URL that is none."""
        return cls(open_engine(url_of(settings)), wait_sec=settings.number("usage.wait.sec"), **keywords)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one moment. Raises StoreUnavailable or StoreRefused; a read is not tried again by itself."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise translated(error, self.place) from error

    def read(self, work: Callable[[Connection], Answer]) -> Answer:
        """What `work` answers; asked again on a new connection while the server is away, at most usage.wait.sec."""
        return self._tried(work, self.engine.connect)

    def write(self, work: Callable[[Connection], Answer]) -> Answer:
        """Runs `work` in one transaction: all of it or nothing.

        The server gone, a deadlock, a lock held too long: rolled back and run again, so `work` must be harmless when it had
        been committed and only the answer was lost. Raises StoreUnavailable after usage.wait.sec, StoreRefused on a no.
        """
        return self._tried(work, self._writer.begin)

    def _tried(self, work: Callable[[Connection], Answer], opened: Callable[[], Any]) -> Answer:
        since: float | None = None
        pause, races = _FIRST_PAUSE_SEC, 0
        while True:
            try:
                with opened() as connection:
                    return work(connection)
            except DBAPIError as error:
                if isinstance(error, IntegrityError):
                    races += 1
                    if not is_duplicate(error) or races > _MOST_RACES:
                        raise
                elif not may_try_again(error):
                    raise translated(error, self.place) from error
                now = self._monotonic()
                if since is None:
                    since = now
                    self._tell(f"{self.place}: {cause(error)}; trying again")
                if now - since >= self._wait_sec:
                    raise translated(error, self.place, waited=now - since) from error
            self._sleep(pause * random.uniform(0.5, 1.0))  # many writers must not come back in step
            pause = min(pause * 2, _LONGEST_PAUSE_SEC)

    def _tell(self, text: str) -> None:
        if self._say is not None:
            self._say(text)


def url_of(settings: Settings) -> URL:
    """usage.url with the password of usage.password or usage.password.file in it; SQLite under home where it is empty."""
    text = settings.text("usage.url")
    if not text:
        return URL.create("sqlite+pysqlite", database=str(Path(settings.text("home")) / "usage.sqlite"))
    url = checked_url(text)
    password = _password(settings)
    if not password:
        return url
    if url.get_backend_name() == "sqlite":
        raise SettingError(
            "SQLite takes no password", where="usage.password", remedy="unset it, or point usage.url elsewhere"
        )
    return url.set(password=password)


def checked_url(text: str) -> URL:
    """The URL, with our driver. Raises SettingError, which never repeats what was given: it may hold a password."""
    try:
        url = make_url(text)
        driver = _DRIVERS.get(url.get_backend_name())
    except (ArgumentError, ValueError):
        raise SettingError("is not a URL", where="usage.url", remedy=_remedy()) from None
    if driver is None:
        raise SettingError("names a database that is not supported", where="usage.url", remedy=_remedy())
    return url.set(drivername=f"{url.get_backend_name()}+{driver}")


def _remedy() -> str:
    return "write it as mysql+pymysql://USER@HOST/DATABASE or sqlite:////PATH, the password in BUSYHOUR_USAGE_PASSWORD"


def _password(settings: Settings) -> str:
    given, name = settings.text("usage.password"), settings.text("usage.password.file")
    if given or not name:
        return given
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        raise SettingError(f"{name}: {why}", where="usage.password.file") from None


def place_of(url: URL) -> str:
    """The database as reports and errors name it: no password, no query string."""
    plain = URL.create(url.get_backend_name(), url.username, None, url.host, url.port, url.database)
    return plain.render_as_string()


def open_engine(url: URL) -> Engine:
    """Engine with a pool. Parameters of statements never reach a log or an error: they are personal data."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    query = dict(url.query)
    query.setdefault("charset", "utf8mb4")
    options = {"local_infile": True}
    try:
        engine = create_engine(
            url.set(query=query),
            hide_parameters=True,
            pool_pre_ping=True,
            pool_recycle=RECYCLE_SEC,
            pool_size=POOL_CONNECTIONS,
            max_overflow=POOL_OVERFLOW,
            isolation_level="REPEATABLE READ",
            connect_args=options,
        )
    except (NoSuchModuleError, SQLAlchemyError) as error:
        raise SettingError(f"cannot be used: {type(error).__name__}", where="usage.url", remedy=_remedy()) from None

    @event.listens_for(engine, "do_connect")
    def _connected(_: Any, __: Any, ___: Any, parameters: dict[str, Any]) -> Any:
        return _connection(parameters)

    @event.listens_for(engine, "connect")
    def _session(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            # UTC whatever the server's zone is; no silent cutting of what is too long or out of range.
            cursor.execute("SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")

    return engine


def _connection(parameters: dict[str, Any]) -> pymysql.connections.Connection[Any]:
    """A connection over a socket of our own: PyMySQL leaves its own open when nobody answers."""
    connection = pymysql.connect(defer_connect=True, **parameters)
    place = parameters.get("unix_socket")
    try:
        if place:
            channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            address = parameters.get("host") or "localhost", int(parameters.get("port") or _PORT)
            channel = socket.create_connection(address, CONNECT_SEC)
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise pymysql.err.OperationalError(_LOST_AT_ONCE, f"nobody answers: {error}") from error
    try:
        channel.settimeout(CONNECT_SEC)
        if place:
            channel.connect(place)
        channel.settimeout(None)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.connect(channel)
    except BaseException as error:
        channel.close()
        if isinstance(error, OSError):
            raise pymysql.err.OperationalError(_LOST_AT_ONCE, f"nobody answers: {error}") from error
        raise
    return connection


def _sqlite_engine(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        _make_folder(Path(url.database).parent)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver must not begin and commit by itself, above all not around DDL
        for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL", f"busy_timeout = {BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later could not wait for another writer: it would fail at once.
        word = "IMMEDIATE" if connection.get_execution_options().get("busyhour_writes") else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {word}")

    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(f"cannot be made: {error.strerror}", where=str(folder)) from error


def codes(error: DBAPIError) -> set[int]:
    """The server's error codes."""
    arguments = getattr(error.orig, "args", ())
    return {arguments[0]} if arguments and isinstance(arguments[0], int) else set()


def is_duplicate(error: IntegrityError) -> bool:
    """A key that is there already, not a reference to what is not there."""
    return _DUPLICATE in codes(error) or "UNIQUE constraint" in str(error.orig)


def may_try_again(error: DBAPIError) -> bool:
    """The transaction is gone with nothing of it written, or written whole: running it again is right."""
    if error.connection_invalidated or codes(error) & (_LOST | _RACE):
        return True
    return isinstance(error.orig, sqlite3.OperationalError) and "locked" in str(error.orig)


def cause(error: DBAPIError) -> str:
    """The driver's own words, without statement and parameters."""
    arguments = getattr(error.orig, "args", ())
    text = str(arguments[-1]) if arguments else type(error.orig).__name__
    return " ".join(text.split())[:300] or type(error.orig).__name__


def translated(error: DBAPIError, place: str, waited: float | None = None) -> OperatorError:
    """The error of the tree that says who must act."""
    if codes(error) & _DENIED:
        remedy = "check usage.url and BUSYHOUR_USAGE_PASSWORD, and the user's rights on that database"
        return StoreRefused(cause(error), where=place, remedy=remedy)
    if may_try_again(error):
        after = f"; waited {waited:.0f} s" if waited is not None else ""
        return StoreUnavailable(
            f"{cause(error)}{after}", where=place, remedy="start the server, or raise usage.wait.sec"
        )
    if isinstance(error.orig, sqlite3.OperationalError) and "unable to open" in str(error.orig):
        return StoreUnavailable(cause(error), where=place, remedy="check that the folder is there and may be written")
    remedy = "run `busyhour usage setup`" if _misses_table(error) else ""
    return StoreRefused(cause(error), where=place, remedy=remedy)


def _misses_table(error: DBAPIError) -> bool:
    return 1146 in codes(error) or "no such table" in str(error.orig)
