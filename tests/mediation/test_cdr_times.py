"""Times as the date filter reads them: see the recordings of a real Logstash for gaps, overlaps, hour 24 and second 60."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clock import iso
from mediation.times import plus_seconds, reader, seconds_between, time_pattern

SPACED = "yyyy-MM-dd H:mm:ss"


@pytest.mark.parametrize(
    ("form", "zone", "text", "expected"),
    [
        (SPACED, "UTC", "2019-11-12 2:35:00", "2019-11-12T02:35:00.000Z"),
        (SPACED, "Europe/Berlin", "2026-03-28 2:35:00", "2026-03-28T01:35:00.000Z"),
        (SPACED, "Europe/Berlin", "2026-03-29 2:30:00", None),  # skipped by the clock change
        (SPACED, "Europe/Berlin", "2026-10-25 2:30:00", "2026-10-25T00:30:00.000Z"),  # twice: the first
        (SPACED, "UTC", "2026-02-30 9:00:00", None),
        (SPACED, "UTC", "2026-03-28 24:00:00", None),
        (SPACED, "UTC", "2026-03-28 9:00:60", None),
        (SPACED, "UTC", " 2026-03-28  9:00:00 ", None),
        (SPACED, "UTC", "2026-03-28 9:00", None),
        (SPACED, "UTC", "٢٠٢٦-03-28 9:00:00", None),
        ("dd/MM/yyyy HH:mm:ss", "UTC", "01/02/2012 12:07:12", "2012-02-01T12:07:12.000Z"),
        ("dd/MM/yyyy H:mm", "UTC", "1/2/2012 7:05", "2012-02-01T07:05:00.000Z"),
        ("dd/MM/yyyy HH:mm:ss", "UTC", "31/02/2012 12:07:12", None),
        ("yyyyMMddHHmmss", "UTC", "20120201120712", "2012-02-01T12:07:12.000Z"),
        ("yyyyMMddHHmmss", "UTC", "2012020112071", None),
        ("yyyy.MM.dd'T'HH:mm:ss.SSS", "UTC", "2012.02.01T12:07:12.345", "2012-02-01T12:07:12.345Z"),
        ("ISO8601", "UTC", "2026-03-28T09:00:00Z", "2026-03-28T09:00:00.000Z"),
        ("ISO8601", "UTC", "2026-03-28T09:00:00+02:00", "2026-03-28T07:00:00.000Z"),
        ("ISO8601", "UTC", "2026-03-28T09:00:00.5-01:30", "2026-03-28T10:30:00.500Z"),
        ("ISO8601", "UTC", "2026-03-28T09:00:00.123456Z", "2026-03-28T09:00:00.123Z"),
        ("ISO8601", "Europe/Berlin", "2026-03-28T09:00:00", "2026-03-28T08:00:00.000Z"),
        ("ISO8601", "UTC", "2026-03-28 09:00:00.123456", None),
        ("ISO8601", "UTC", "2026-02-29T09:00:00Z", None),
        ("ISO8601", "UTC", "1970-01-01T00:00:00+01:00", None),  # before 1970
        ("ISO8601", "UTC", "yesterday", None),
    ],
)
def test_time_is_read_as_the_date_filter_reads_it(form: str, zone: str, text: str, expected: str | None) -> None:
    assert reader((form,), zone)(text) == expected


def test_time_takes_the_first_format_that_fits() -> None:
    assert reader((SPACED, "ISO8601"), "UTC")("2026-03-28T09:00:00Z") == "2026-03-28T09:00:00.000Z"


@pytest.mark.parametrize("form", ["yyyy-MM", "yyyy-MM-dd QQ", "yyyy-MM-dd 'x", "yyyyMd", "yyyy-MM-dd dd"])
def test_time_format_is_refused_when_it_cannot_be_read(form: str) -> None:
    with pytest.raises(ValueError, match="time format"):
        time_pattern(form)


def test_time_pattern_has_no_names_and_no_anchors() -> None:
    assert time_pattern("yyyy MM dd").startswith("(?:(?:19[7-9][0-9]|20[0-9][0-9]))")
    assert "P<" not in time_pattern("ISO8601")


moments = st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))


@given(moments, st.integers(0, 86_400_000))
def test_times_and_seconds_agree(moment: datetime, milliseconds: int) -> None:
    start = iso(moment)
    end = plus_seconds(start, milliseconds / 1000)
    assert end is not None
    assert seconds_between(start, end) == milliseconds / 1000


@given(moments)
def test_time_written_is_time_read(moment: datetime) -> None:
    assert reader(("ISO8601",), "UTC")(iso(moment)) == iso(moment)
    assert reader((SPACED,), "UTC")(f"{moment:%Y-%m-%d %H:%M:%S}") == iso(moment.replace(microsecond=0))


@pytest.mark.parametrize(
    ("form", "text", "stored"),
    [
        ("UNIX", "1774688400", "2026-03-28T09:00:00.000Z"),
        ("UNIX", "1774688400.1239", "2026-03-28T09:00:00.123Z"),
        ("UNIX", "1774688400.5", "2026-03-28T09:00:00.500Z"),
        ("UNIX", "100000000", "1973-03-03T09:46:40.000Z"),
        ("UNIX", "2147483647", "2038-01-19T03:14:07.000Z"),
        ("UNIX", "2147483648", None),
        ("UNIX", "99999999", None),
        ("UNIX", "0", None),
        ("UNIX", "0177468840", None),
        ("UNIX", "-1774688400", None),
        ("UNIX", "1774688400.", None),
        ("UNIX", "1774688400123", None),
        ("UNIX", "١774688400", None),
        ("UNIX_MS", "1774688400123", "2026-03-28T09:00:00.123Z"),
        ("UNIX_MS", "4102444799999", "2099-12-31T23:59:59.999Z"),
        ("UNIX_MS", "4102444800000", None),
        ("UNIX_MS", "1774688400", None),
        ("UNIX_US", "1774688400123999", "2026-03-28T09:00:00.123Z"),
        ("UNIX_US", "1774688400123", None),
        ("UNIX_US", "17746884001239990", None),
    ],
)
def test_count_since_1970_is_read_in_its_own_unit_only(form: str, text: str, stored: str | None) -> None:
    assert reader((form,), "Europe/Berlin")(text) == stored
