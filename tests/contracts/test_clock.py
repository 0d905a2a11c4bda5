"""Time: one text form, buckets that tile, partitions that sort, hours of week in the entity's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clock import (
    PERIODS,
    epoch_ms,
    floor_to,
    from_epoch_ms,
    hour_of_week,
    iso,
    parse_iso,
    period_of,
    utc_now,
)

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))


def test_iso_writes_milliseconds_and_utc() -> None:
    assert iso(datetime(2026, 11, 21, 7, 5, tzinfo=UTC)) == "2026-11-21T07:05:00.000Z"
    assert (
        iso(datetime(2026, 11, 21, 7, 5, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-21T05:05:00.999Z"
    )


@given(MOMENTS)
def test_iso_and_epoch_come_back_to_the_millisecond(moment: datetime) -> None:
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert parse_iso(iso(moment)) == cut
    assert from_epoch_ms(epoch_ms(cut)) == cut


def test_parse_iso_takes_a_time_without_zone_as_utc_and_refuses_text() -> None:
    assert parse_iso("2026-11-21T07:05:00") == datetime(2026, 11, 21, 7, 5, tzinfo=UTC)
    with pytest.raises(ValueError, match="isoformat"):
        parse_iso("yesterday")


@given(MOMENTS, st.sampled_from([60, 300, 3600, 86400]))
def test_floor_to_holds_its_moment_and_is_a_multiple(moment: datetime, step: int) -> None:
    start = floor_to(moment, step)
    assert start <= moment < start + timedelta(seconds=step)
    assert start.timestamp() % step == 0
    assert floor_to(start, step) == start


@pytest.mark.parametrize(
    ("moment", "names"),
    [
        (datetime(2026, 11, 21, 23, 59, tzinfo=UTC), ("2026.11.21", "2026.w47", "2026.11", "2026")),
        (datetime(2021, 1, 1, tzinfo=UTC), ("2021.01.01", "2020.w53", "2021.01", "2021")),
        (
            datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))),
            ("2025.12.31", "2026.w01", "2025.12", "2025"),
        ),
    ],
)
def test_period_of_names_the_partition_in_utc(moment: datetime, names: tuple[str, ...]) -> None:
    assert tuple(period_of(moment, period) for period in PERIODS) == names


@given(MOMENTS, MOMENTS, st.sampled_from(PERIODS))
def test_period_of_sorts_as_time_does(one: datetime, other: datetime, period: str) -> None:
    sooner, later = sorted([one, other])
    assert period_of(sooner, period) <= period_of(later, period)


def test_period_of_refuses_an_unknown_period() -> None:
    with pytest.raises(ValueError, match="one of day, week, month, year"):
        period_of(utc_now(), "hour")


def test_hour_of_week_is_the_entitys_own_across_a_change_of_clocks() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert hour_of_week(datetime(2026, 11, 16, 0, tzinfo=UTC), ZoneInfo("UTC")) == 0
    assert hour_of_week(datetime(2026, 11, 22, 22, 59, tzinfo=UTC), berlin) == 167
    assert [hour_of_week(datetime(2026, 10, 25, hour, tzinfo=UTC), berlin) % 24 for hour in (0, 1, 2)] == [2, 2, 3]
