"""The tables: made, made again, cut half way and gone on with; who may not get in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event, inspect, text

from contracts.errors import SettingError, StoreRefused, StoreUnavailable
from contracts.settings import read
from usage.engine import UsageStore, place_of, url_of
from usage.mariadb import LocalMariaDB
from usage.migrate import check_set_up, newest, set_up
from usage.schema import RECORD_TABLES, metadata

SECRET = "s3cret-of-nobody"


class Cut(Exception):
    """The process died here."""


def test_setup_makes_what_the_schema_says_and_repeats_without_change(
    usage_url: str, opened: Callable[..., UsageStore]
) -> None:
    store = opened(usage_url)
    first, second = set_up(store), set_up(store)
    assert (first.before, first.after, first.changed) == ("", newest(), True)
    assert (second.before, second.changed, second.resumed) == (newest(), False, "")
    with store.reading() as connection:
        differing = compare_metadata(MigrationContext.configure(connection), metadata)
    assert [(each[0], each[1].name) for each in differing] == [("remove_table", "migration_state")]


@pytest.mark.parametrize("statement", (1, 2, 7, 16))
def test_setup_goes_on_where_it_was_cut_and_says_so(
    usage_url: str, opened: Callable[..., UsageStore], statement: int
) -> None:
    store = opened(usage_url)
    seen = 0

    def dies(connection: object, cursor: object, sql: str, *_: object) -> None:
        nonlocal seen
        seen += sql.lstrip().startswith("CREATE")
        if seen == statement:
            raise Cut

    event.listen(store.engine, "before_cursor_execute", dies)
    with pytest.raises(Cut):
        set_up(store)
    event.remove(store.engine, "before_cursor_execute", dies)
    if not store.is_sqlite:
        with pytest.raises(StoreRefused, match="busyhour usage setup"):
            check_set_up(store)
    report = set_up(store)
    assert report.after == newest()
    # SQLite rolls tables back, so nothing was half made there; neither was, before the note that it began was written.
    assert bool(report.resumed) == (not store.is_sqlite and statement > 1)
    assert set_up(store).resumed == ""
    with store.reading() as connection:
        assert len(compare_metadata(MigrationContext.configure(connection), metadata)) == 1


def test_setup_refuses_tables_of_a_later_version(usage_url: str, opened: Callable[..., UsageStore]) -> None:
    store = opened(usage_url)
    set_up(store)
    store.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreRefused, match="up to date"):
        set_up(store)
    with pytest.raises(StoreRefused, match="revision 9999"):
        check_set_up(store)


def test_mariadb_tables_are_utf8mb4_with_foreign_keys_and_indexes(
    mariadb: LocalMariaDB, opened: Callable[..., UsageStore]
) -> None:
    store = opened(mariadb.database("facts"))
    set_up(store)
    with store.reading() as connection:
        collations = connection.execute(
            text("SELECT DISTINCT table_collation FROM information_schema.tables WHERE table_schema = 'facts'")
        )
        assert {row[0] for row in collations if row[0]} <= {"utf8mb4_bin"}
        assert connection.execute(text("SELECT @@session.time_zone")).scalar() == "+00:00"
        for table in RECORD_TABLES.values():
            keys = inspect(connection).get_foreign_keys(table.name)
            assert [(key["constrained_columns"], key["referred_table"]) for key in keys] == [
                (["customer_id"], "customers")
            ]
            indexes = inspect(connection).get_indexes(table.name)
            assert ["customer_id", "started"] in [index["column_names"] for index in indexes]


def test_wrong_credentials_are_refused_at_once_without_the_password(
    mariadb: LocalMariaDB, opened: Callable[..., UsageStore]
) -> None:
    mariadb.execute(f"CREATE OR REPLACE USER clerk@localhost IDENTIFIED BY '{SECRET}'")
    url = mariadb.url("mysql").replace("root@", f"clerk:not-{SECRET}@")
    with pytest.raises(StoreRefused, match="Access denied") as refused:
        check_set_up(opened(url))
    assert SECRET not in str(refused.value)
    assert "BUSYHOUR_USAGE_PASSWORD" in str(refused.value)
    with pytest.raises(StoreRefused, match="denied"):  # the right password, but no right to that database
        set_up(opened(mariadb.url("nobodys").replace("root@", "clerk@"), usage_password=SECRET))


def test_server_that_is_not_there_is_waited_for_as_long_as_the_setting_says(
    tmp_path: Path, opened: Callable[..., UsageStore]
) -> None:
    store = opened(f"mysql+pymysql://u@localhost/d?unix_socket={tmp_path}/none", usage_wait_sec=0)
    with pytest.raises(StoreUnavailable, match="waited"):
        set_up(store)


def test_password_comes_from_setting_or_file_and_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(SECRET + "\n")
    settings = read({"BUSYHOUR_USAGE_URL": "mariadb://clerk@db.example/usage"})
    for more in ({"usage_password": SECRET}, {"usage_password_file": str(file)}):
        url = url_of(settings.with_values(**more))
        assert url.password == SECRET
        assert place_of(url) == "mariadb://clerk@db.example/usage"
    with pytest.raises(SettingError, match=r"usage\.password\.file"):
        url_of(settings.with_values(usage_password_file=str(tmp_path / "absent")))


@pytest.mark.parametrize(
    "url", [f"mysql:/{SECRET}", f"oracle://u:{SECRET}@h/d", SECRET, f"mysql://u:{SECRET}@h:port/d"]
)
def test_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingError, match=r"usage\.url") as refused:
        url_of(read({"BUSYHOUR_USAGE_URL": url}))
    assert SECRET not in str(refused.value)
