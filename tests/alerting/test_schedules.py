"""Schedules of watches: Quartz cron, times of day in a zone over clock changes, and the laws that hold for all of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.cron import read_cron
from alerting.schedules import read_schedule

NOW = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)


def after(spec: dict[str, Any], count: int = 1, moment: datetime = NOW) -> list[str]:
    schedule, found = read_schedule(spec), []
    for _ in range(count):
        tick = schedule.first(moment)
        assert tick is not None
        found.append(tick.strftime("%Y-%m-%d %H:%M:%S"))
        moment = tick + timedelta(milliseconds=1)
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 0 12 * * ?", ["2026-11-22 12:00:00", "2026-11-23 12:00:00"]),
        ("0 0/5 14,18 * * ?", ["2026-11-22 14:00:00", "2026-11-22 14:05:00"]),
        ("*/20 59 23 ? * SAT", ["2026-11-21 23:59:00", "2026-11-21 23:59:20"]),
        ("0 15 10 L * ?", ["2026-11-30 10:15:00", "2026-12-31 10:15:00"]),
        ("0 15 10 L-2 * ?", ["2026-11-28 10:15:00", "2026-12-29 10:15:00"]),
        ("0 0 9 15W * ?", ["2026-12-15 09:00:00", "2027-01-15 09:00:00"]),
        ("0 0 9 1W 8 ?", ["2027-08-02 09:00:00", "2028-08-01 09:00:00"]),
        ("0 0 9 LW * ?", ["2026-11-30 09:00:00", "2026-12-31 09:00:00"]),
        ("0 0 12 ? * 6#3", ["2026-12-18 12:00:00", "2027-01-15 12:00:00"]),
        ("0 0 12 ? * 6L", ["2026-11-27 12:00:00", "2026-12-25 12:00:00"]),
        ("0 0 12 ? * FRI-MON", ["2026-11-22 12:00:00", "2026-11-23 12:00:00"]),
        ("0 0 0 1 jan ? 2027-2028", ["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
        ("0 0 22-1 * * ?", ["2026-11-21 22:00:00", "2026-11-21 23:00:00"]),
    ],
)
def test_cron_ticks_as_quartz_does(cron: str, expected: list[str]) -> None:
    assert after({"cron": cron}, 2) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"hourly": {"minute": [0, 30]}}, "2026-11-21 21:00:00"),
        ({"hourly": {}}, "2026-11-21 21:00:00"),
        ({"daily": {"at": "noon"}}, "2026-11-22 12:00:00"),
        ({"daily": {"at": {"hour": [8, 22], "minute": [15]}}}, "2026-11-21 22:15:00"),
        ({"daily": {"at": "17:00"}, "timezone": "America/New_York"}, "2026-11-21 22:00:00"),
        ({"weekly": {"on": ["friday", "mon"], "at": ["17:00", "midnight"]}}, "2026-11-23 00:00:00"),
        ({"weekly": [{"on": 1, "at": "noon"}]}, "2026-11-22 12:00:00"),
        ({"monthly": {"on": 31, "at": "noon"}}, "2026-12-31 12:00:00"),
        ({"yearly": {"in": "february", "on": 29, "at": "noon"}}, "2028-02-29 12:00:00"),
        ({"interval": "10m"}, "2026-11-21 21:00:00"),
        ({"cron": ["0 0 23 * * ?", "0 30 21 * * ?"]}, "2026-11-21 21:30:00"),
    ],
)
def test_schedule_ticks_as_watchers_does(spec: dict[str, Any], expected: str) -> None:
    assert after(spec) == [expected]


def test_time_that_a_clock_change_leaves_out_is_the_moment_of_the_change_and_one_that_comes_twice_comes_once() -> None:
    berlin = {"daily": {"at": "02:30"}, "timezone": "Europe/Berlin"}
    assert after(berlin, 3, datetime(2026, 3, 28, 0, tzinfo=UTC)) == [
        "2026-03-28 01:30:00",
        "2026-03-29 01:00:00",
        "2026-03-30 00:30:00",
    ]
    assert after(berlin, 2, datetime(2026, 10, 24, 12, tzinfo=UTC)) == ["2026-10-25 00:30:00", "2026-10-26 01:30:00"]


SPECS = st.sampled_from(
    [
        {"interval": "5m"},
        {"hourly": {"minute": [7, 52]}},
        {"daily": {"at": ["02:30", "03:00"]}, "timezone": "Europe/Berlin"},
        {"cron": "0 */15 1-4 ? * SUN", "timezone": "America/Sao_Paulo"},
        {"cron": "0 0 0 L * ?", "timezone": "Asia/Kathmandu"},
        {"weekly": {"on": "sunday", "at": "02:15"}, "timezone": "Australia/Lord_Howe"},
    ]
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))


@given(SPECS, MOMENTS)
def test_first_and_last_tick_enclose_every_moment_and_are_ticks(spec: dict[str, Any], moment: datetime) -> None:
    schedule = read_schedule(spec)
    first, last = schedule.first(moment), schedule.last(moment)
    assert first is not None and last is not None
    assert last <= moment <= first
    assert schedule.first(first) == first == schedule.last(first)
    assert schedule.last(last) == last
    assert schedule.first(last + timedelta(seconds=1)) == (
        first if first > last else schedule.first(moment + timedelta(seconds=1))
    )


def test_schedule_without_a_day_has_no_tick() -> None:
    never = read_schedule({"cron": "0 0 0 30 2 ?"})
    assert (never.first(NOW), never.last(NOW)) == (None, None)


@given(st.text(alphabet="0123456789*/-,?LW#SUNMONJAN ", max_size=40))
def test_any_text_is_a_cron_or_is_refused_in_words(text: str) -> None:
    try:
        cron = read_cron(text)
    except ValueError as error:
        assert str(error)
    else:
        assert list(cron.seconds) == sorted(set(cron.seconds))
        assert isinstance(cron.on(date(2026, 2, 28)), bool)
