"""Makes the tables and brings them up to date (Alembic). A run that was cut is gone on with by the next one, which says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Column, Connection, MetaData, String, Table, delete, func, inspect, select
from sqlalchemy.exc import DBAPIError

from contracts.clock import iso
from contracts.errors import OperatorError, StoreRefused
from usage.engine import UsageStore, translated
from usage.schema import OPTIONS

FOLDER = Path(__file__).resolve().parent / "migrations"
_LOCK = "busyhour-usage-setup"
_LOCK_SEC = 60
# While a row is here, a migration is under way, or was cut. Not in usage.schema: it must be there before any revision.
_state = Table(
    "migration_state",
    MetaData(),
    Column("revision", String(32), primary_key=True),
    Column("started", String(32)),
    **OPTIONS,
)


@dataclass(frozen=True, slots=True)
class SetupReport:
    """`before` and `after` are revisions, "" for none; `resumed`: when the run began that was cut and is finished now."""

    place: str
    before: str
    after: str
    resumed: str = ""

    @property
    def changed(self) -> bool:
        return self.before != self.after


def newest() -> str:
    """The newest revision that this version of the product knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def revision(store: UsageStore) -> str:
    """The revision that the database has, "" for none."""
    return store.read(lambda connection: MigrationContext.configure(connection).get_current_revision() or "")


def set_up(store: UsageStore) -> SetupReport:
    """Makes or updates the tables; safe to repeat, and to run twice at once.

    Raises StoreUnavailable or StoreRefused as every write, StoreRefused when the tables are newer than this version.
    """
    before = revision(store)  # waits for a server that is away
    try:
        with store.engine.connect() as connection:
            return _locked(store, connection, before)
    except DBAPIError as error:
        raise translated(error, store.place) from error


def check_set_up(store: UsageStore) -> None:
    """Raises StoreRefused unless the tables are those of this version. An empty SQLite file is set up on the way."""
    found = revision(store)
    if found == newest():
        return
    if not found and store.is_sqlite:
        set_up(store)
        return
    what = f"has tables of revision {found}, not {newest()}" if found else "has no tables of ours, or not all of them"
    raise StoreRefused(what, where=store.place, remedy="run `busyhour usage setup`; it loses nothing")


def _locked(store: UsageStore, connection: Connection, before: str) -> SetupReport:
    if store.is_sqlite:  # what makes tables there is a transaction: the second one waits, then finds them made
        with connection.execution_options(busyhour_writes=True).begin():
            return _upgrade(store, connection, before)
    if not connection.scalar(select(func.get_lock(_LOCK, _LOCK_SEC))):
        raise OperatorError(
            f"another setup has been under way for {_LOCK_SEC} s", where=store.place, remedy="try again"
        )
    try:
        return _upgrade(store, connection, before)
    finally:
        if not connection.invalidated:
            connection.rollback()
            connection.scalar(select(func.release_lock(_LOCK)))


def _upgrade(store: UsageStore, connection: Connection, before: str) -> SetupReport:
    cut = _begun(store, connection)
    if before != newest() or cut:
        try:
            command.upgrade(_config(connection), "head")
        except CommandError as error:
            remedy = "use the version of Busyhour that made them"
            raise StoreRefused(
                f"the tables cannot be brought up to date: {error}", where=store.place, remedy=remedy
            ) from error
    connection.execute(delete(_state))
    _commit(store, connection)
    return SetupReport(store.place, before, newest(), cut)


def _begun(store: UsageStore, connection: Connection) -> str:
    """Notes that a migration is under way; when one was that never finished, since when, else ""."""
    if not inspect(connection).has_table(_state.name):
        _state.create(connection)
    cut = connection.scalar(select(_state.c.started)) or ""
    if not cut:
        connection.execute(_state.insert().values(revision=newest(), started=iso(store.clock())))
    _commit(store, connection)
    return cut


def _commit(store: UsageStore, connection: Connection) -> None:
    """On SQLite all of it is one transaction, so that nothing can be half made."""
    if not store.is_sqlite:
        connection.commit()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
