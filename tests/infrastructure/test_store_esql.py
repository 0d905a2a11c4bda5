"""ES|QL: tables, the row cap, windows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.clock import iso
from contracts.errors import StoreRefused, TooSlow
from infrastructure.esql import Table, TooManyRows, windows
from infrastructure.setup import set_up
from infrastructure.store import Operation, Store

START = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def calls(store: Store) -> Store:
    """3,000 calls, one a minute, pdd = its number."""
    moments = [START + n * MINUTE for n in range(3000)]
    store.write_all(
        Operation("create", store.place("cdr-voip", at), f"c{n}", {"@timestamp": iso(at), "voip": {"pdd": {"ms": n}}})
        for n, at in enumerate(moments)
    )
    store.refresh("cdr-voip")
    return store


@pytest.fixture
def narrow(calls: Store) -> Iterator[Store]:
    """A store that takes 1,000 rows a query."""
    store = Store.connect(calls.settings.with_values(rollup_rows=1000))
    yield store
    store.close()


def test_esql_returns_a_table_with_parameters_in_place(calls: Store) -> None:
    table = calls.esql(
        "FROM cdr-voip | WHERE @timestamp >= ? AND @timestamp < ? | STATS n = COUNT(*), top = MAX(voip.pdd.ms)",
        [START, START + 60 * MINUTE],
    )
    assert table.dicts() == [{"n": 60, "top": 59.0}]
    assert table.column("n") == [60]
    with pytest.raises(KeyError):
        table.column("m")


def test_esql_gives_an_empty_table_when_nothing_was_written_yet(store: Store) -> None:
    table = store.esql("FROM cdr-sms | STATS n = COUNT(*)")
    assert (table.columns, table.rows, table.dicts(), table.column("n")) == ([], [], [], [])


def test_esql_reads_the_indices_that_are_there_when_others_are_not(calls: Store) -> None:
    query = "FROM cdr-sms, cdr-voip,cdr-epc METADATA _index\n| STATS n = COUNT(*) BY _index"
    assert calls.esql(query).rows == [[3000, "cdr-voip-2026.11"]]
    assert calls.esql("FROM cdr-sms,cdr-epc|STATS n = COUNT(*)").rows == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("FROM cdr-voip | WHERE colour == 1", "line 1:23: Unknown column"),
        ("FROM cdr-voip | WHIRL", "line 1:17"),
        ("FROM somebody-elses | LIMIT 1", "somebody-elses"),
        ("", "mismatched input"),
        ('FROM cdr-voip | WHERE cdr.record == "', "token recognition"),
    ],
)
def test_esql_names_the_position_when_the_query_is_bad(calls: Store, query: str, words: str) -> None:
    with pytest.raises(StoreRefused, match=words) as caught:
        calls.esql(query)
    assert query in str(caught.value)


def test_esql_returns_more_than_elasticsearch_gives_by_default(calls: Store) -> None:
    assert len(calls.esql("FROM cdr-voip | KEEP voip.pdd.ms").rows) == 3000


def test_esql_never_returns_a_cut_answer(narrow: Store) -> None:
    with pytest.raises(TooManyRows, match="more than 1000 rows"):
        narrow.esql("FROM cdr-voip | KEEP voip.pdd.ms // all of them")
    assert len(narrow.esql("FROM cdr-voip | KEEP voip.pdd.ms | LIMIT 1000").rows) == 1000


def test_esql_windows_cover_everything_once_when_the_cap_is_low(narrow: Store) -> None:
    asked: list[tuple[datetime, datetime]] = []

    def query(since: datetime, until: datetime) -> tuple[str, list[datetime]]:
        asked.append((since, until))
        return "FROM cdr-voip | WHERE @timestamp >= ? AND @timestamp < ? | SORT voip.pdd.ms | KEEP voip.pdd.ms", [
            since,
            until,
        ]

    end = START + timedelta(days=4)
    tables = list(narrow.esql_windows(query, START, end, step=timedelta(minutes=5)))
    assert [value for table in tables for value in table.column("voip.pdd.ms")] == [float(n) for n in range(3000)]
    assert all((moment - START) % timedelta(minutes=5) == timedelta() for window in asked for moment in window)


def test_esql_windows_refuse_when_one_step_has_too_many_rows(narrow: Store) -> None:
    query = "FROM cdr-voip | WHERE @timestamp >= ? AND @timestamp < ? | KEEP voip.pdd.ms"
    with pytest.raises(TooManyRows, match=r"2026-11-01T00:00:00\.000Z and 2026-11-02T") as caught:
        list(narrow.esql_windows(lambda a, b: (query, [a, b]), START, START + 3 * timedelta(days=1), step=timedelta(1)))
    assert "rollup.rows" in caught.value.remedy


def test_row_cap_stays_below_elasticsearchs_own_when_it_is_lower(calls: Store) -> None:
    name = "esql.query.result_truncation_max_size"
    calls.exchange.ask("PUT", "/_cluster/settings", {"persistent": {name: 500}})
    calls.forget()
    try:
        assert calls.row_cap == 499
        with pytest.raises(TooManyRows):
            calls.esql("FROM cdr-voip | KEEP voip.pdd.ms")
        query = "FROM cdr-voip | WHERE @timestamp >= ? AND @timestamp < ? | KEEP voip.pdd.ms"
        tables = calls.esql_windows(lambda a, b: (query, [a, b]), START, START + 3000 * MINUTE)
        assert sum(len(table.rows) for table in tables) == 3000
    finally:
        calls.exchange.ask("PUT", "/_cluster/settings", {"persistent": {name: None}})
        set_up(calls)


def test_esql_reads_kpi_bins_however_long(store: Store) -> None:
    bins = " ".join(f"{n}:{n}" for n in range(20_000))
    store.write_all(
        [Operation("create", store.place("kpi-5m", START), "p", {"@timestamp": iso(START), "kpi": {"bins": bins}})]
    )
    store.refresh()
    assert store.esql("FROM kpi-5m | WHERE kpi.bins IS NOT NULL | KEEP kpi.bins").rows == [[bins]]


@settings(max_examples=200)
@given(
    st.lists(st.integers(0, 999), max_size=300),
    st.integers(0, 900),
    st.integers(1, 999),
    st.integers(1, 30),
    st.integers(1, 60),
)
def test_windows_tile_any_time_within_the_cap(
    minutes: list[int], first: int, length: int, most: int, step: int
) -> None:
    start, end = START + first * MINUTE, START + (first + length) * MINUTE
    seen: list[tuple[datetime, datetime]] = []

    def ask(since: datetime, until: datetime) -> Table:
        rows = [[minute] for minute in sorted(minutes) if since <= START + minute * MINUTE < until]
        if len(rows) > most:
            raise TooManyRows("cut")
        seen.append((since, until))
        return Table(["minute"], rows)

    try:
        rows = [row[0] for table in windows(ask, start, end, step * MINUTE, most) for row in table.rows]
    except TooManyRows:
        return
    assert rows == [minute for minute in sorted(minutes) if first <= minute < first + length]
    assert [since for since, _ in seen] == [start, *(until for _, until in seen[:-1])]
    assert seen[-1][1] == end


def test_windows_ask_nothing_when_the_time_is_empty() -> None:
    def ask(since: datetime, until: datetime) -> Table:
        raise AssertionError

    assert list(windows(ask, START, START, None, 10)) == []


def test_windows_that_take_too_long_are_halved_and_do_not_grow_again() -> None:
    asked: list[timedelta] = []

    def ask(since: datetime, until: datetime) -> Table:
        asked.append(until - since)
        if until - since > 40 * MINUTE:
            raise TooSlow("no answer in time")
        return Table(["since"], [[since]])

    tables = list(windows(ask, START, START + 300 * MINUTE, MINUTE, 10))
    assert [table.rows[0][0] for table in tables] == [START + turn * 37 * MINUTE for turn in range(len(tables))]
    assert sum(length > 40 * MINUTE for length in asked) == 3  # 300, 150, 75
    assert sum((length for length in asked if length <= 40 * MINUTE), timedelta()) == 300 * MINUTE


def test_a_single_step_that_takes_too_long_is_refused_as_such() -> None:
    def ask(since: datetime, until: datetime) -> Table:
        raise TooSlow("no answer in time")

    with pytest.raises(TooSlow, match="no answer in time"):
        list(windows(ask, START, START + 8 * MINUTE, MINUTE, 10))
