"""Time as the product means it: UTC datetimes, bucket starts, hours of week, period names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]  # passed in, so that a test pins it

PERIODS = ("day", "week", "month", "year")
HOURS_OF_WEEK = 168


def utc_now() -> datetime:
    """The real clock, aware, UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """`2026-11-21T07:05:00.000Z`: what is stored, milliseconds always written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_iso(text: str) -> datetime:
    """The reverse of `iso`; a time without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return round(moment.timestamp() * 1000)


def from_epoch_ms(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def floor_to(moment: datetime, step_sec: int) -> datetime:
    """Start of the bucket of `step_sec` seconds (counted from the epoch, UTC) that holds `moment`."""
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % step_sec, UTC)


def hour_of_week(moment: datetime, zone: ZoneInfo) -> int:
    """0–167, Monday 00:00 = 0, in the entity's own zone."""
    local = moment.astimezone(zone)
    return local.weekday() * 24 + local.hour


def period_of(moment: datetime, period: str) -> str:
    """Suffix of the partition that holds `moment`: `2026.11.21`, `2026.w47` (ISO), `2026.11` or `2026`."""
    utc = moment.astimezone(UTC)
    if period == "day":
        return utc.strftime("%Y.%m.%d")
    if period == "week":
        year, week, _ = utc.isocalendar()
        return f"{year}.w{week:02d}"
    if period == "month":
        return utc.strftime("%Y.%m")
    if period == "year":
        return utc.strftime("%Y")
    raise ValueError(f"unknown period {period!r}, one of {', '.join(PERIODS)}")


def days_between(start: datetime, end: datetime) -> float:
    return (end - start) / timedelta(days=1)
