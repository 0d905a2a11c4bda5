"""Durations, volumes, numbers and times: what is written is read back, whatever else is read is refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.text import (
    binary,
    clock,
    decimal,
    grouped,
    minutes,
    national,
    parse_duration,
    parse_moment,
    parse_msisdn,
    parse_volume,
)
from usage.text.durations import LONGEST_MS

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


@given(st.integers(0, LONGEST_MS))
def test_duration_is_read_back_from_clock_and_nearly_from_minutes(length: int) -> None:
    assert parse_duration(clock(length)) == length
    assert abs(parse_duration(minutes(length).replace(",", "")) - length) <= 300
    assert parse_duration(f"{length} ms") == parse_duration(f"PT{length // 1000}.{length % 1000:03d}S") == length


@given(st.integers(0, 999), st.integers(0, 59), st.integers(0, 59))
def test_duration_means_the_same_in_every_form(hours: int, whole: int, seconds: int) -> None:
    expected = ((hours * 60 + whole) * 60 + seconds) * 1000
    forms = (f"{hours}:{whole:02d}:{seconds:02d}", f"{hours}h {whole}m {seconds}s", f"PT{hours}H{whole}M{seconds}S")
    assert {parse_duration(form) for form in (*forms, f"{hours * 60 + whole}:{seconds:02d}")} == {expected}


@given(st.integers(0, 10**18))
def test_volume_is_read_back_to_half_a_percent_in_both_units(volume: int) -> None:
    assert parse_volume(str(volume)) == volume
    for text in (decimal(volume), binary(volume)):
        assert abs(parse_volume(text) - volume) * 200 <= volume


@given(st.integers(0, 10**6))
def test_volume_keeps_the_difference_of_thousand_and_1024(count: int) -> None:
    assert parse_volume(f"{count} kB") == count * 1000
    assert parse_volume(f"{count} KiB") == count * 1024


@given(st.from_regex(r"[1-9][0-9]{4,14}", fullmatch=True), st.sampled_from(["", "44", "999", "1"]))
def test_msisdn_is_read_back_from_every_form(digits: str, code: str) -> None:
    number = f"+{digits}"
    assert parse_msisdn(number, code) == number
    assert parse_msisdn(f"00{digits}", code) == number
    assert parse_msisdn(grouped(number, code), code) == number
    assert parse_msisdn(f"tel:+{digits[:3]}-{digits[3:]}") == number
    if code and not digits.removeprefix(code).startswith("0"):
        assert parse_msisdn(national(number, code) if digits.startswith(code) else number, code) == number


@given(MOMENTS, st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]))
def test_moment_is_read_back_from_every_form_that_has_no_doubt(moment: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    local = moment.replace(microsecond=moment.microsecond // 1000 * 1000).astimezone(zone)
    assert parse_moment(local.isoformat(), zone, NOON) == local
    if local.fold == 0 and local.replace(fold=1).utcoffset() == local.utcoffset():
        for form in ("%Y-%m-%d %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S,%f", "%Y/%m/%dT%H:%M:%S.%f"):
            assert parse_moment(local.strftime(form), zone, NOON) == local
        assert parse_moment(local.strftime("%d %b %Y %I:%M %p"), zone, NOON) == local.replace(second=0, microsecond=0)


def test_moment_knows_words_of_the_day() -> None:
    midnight = datetime(2026, 11, 21, tzinfo=BERLIN)
    assert parse_moment("now", BERLIN, NOON) == NOON
    assert parse_moment("Today", BERLIN, NOON) == midnight
    assert parse_moment("yesterday 9:30", BERLIN, NOON) == midnight - timedelta(hours=14, minutes=30)
    assert parse_moment("21 November 2026, 3:05 pm", BERLIN, NOON) == midnight + timedelta(hours=15, minutes=5)


@pytest.mark.parametrize(
    "text", ["2026-03-29 02:30", "31.02.2026", "2026-13-01", "13:00", "x", "", "21 Foo 2026", "1/2/26", "0001-01-01"]
)
def test_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_moment(text, BERLIN, NOON)


def test_moment_that_the_clocks_showed_twice_is_the_first() -> None:
    assert parse_moment("2026-10-25 02:30", BERLIN, NOON) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (parse_duration, "-1:00", "negative"),
        (parse_duration, "1:60:00", "is not a duration"),
        (parse_duration, "400 d", "longer than a year"),
        (parse_duration, "٣ min", "is not a duration"),
        (parse_volume, "5 Mb", "in bits"),
        (parse_volume, "-5", "negative"),
        (parse_volume, "10 EB", "more than can be stored"),
        (parse_msisdn, "020 7946 0958", "calling code"),
        (parse_msisdn, "+1234", "has 4 digits"),
        (parse_msisdn, "+1234567890123456", "has 16 digits"),
        (parse_msisdn, "+44 x", "is not a number"),
    ],
)
def test_value_is_refused_with_the_reason(read: Any, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(text)


@given(st.text(max_size=60))
def test_whatever_is_typed_gives_a_value_or_a_reason(text: str) -> None:
    for read in (parse_duration, parse_volume, parse_msisdn, lambda typed: parse_moment(typed, BERLIN, NOON)):
        try:
            read(text)
        except ValueError as reason:
            assert str(reason)
