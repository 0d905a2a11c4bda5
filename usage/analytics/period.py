"""A span of time in a zone: its edges in UTC, and local hours and days as SQL over quarter hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case

from contracts.errors import UserError
from usage.expressions import whole
from usage.schema import DAY_SEC, QUARTER_SEC

LONGEST = timedelta(days=50 * 366)
HOUR_SEC = 3600
_STEP = timedelta(days=1)


class Period(NamedTuple):
    """start ≤ t < end, aware, UTC; `zone`: of days and hours."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    @classmethod
    def of(cls, start: datetime, end: datetime, zone: ZoneInfo) -> Period:
        """Raises UserError when it ends before it starts, or is longer than fifty years."""
        if end <= start:
            raise UserError(f"the period ends ({end:%Y-%m-%d %H:%M}) before it starts ({start:%Y-%m-%d %H:%M})")
        if end - start > LONGEST:
            raise UserError("the period is longer than 50 years", remedy="give --from and --to")
        return cls(start.astimezone(UTC), end.astimezone(UTC), zone)

    @property
    def before(self) -> Period:
        """The period of the same length that ends where this one starts."""
        return Period(self.start - (self.end - self.start), self.start, self.zone)

    def local_days(self) -> float:
        return (self.end - self.start) / timedelta(days=1)

    def words(self) -> str:
        """`2026-11-01 00:00 to 2026-12-01 00:00 Europe/Berlin`."""
        start, end = (each.astimezone(self.zone).strftime("%Y-%m-%d %H:%M") for each in (self.start, self.end))
        return f"{start} to {end} {self.zone.key}"


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Start of a local day, UTC. Where the clocks skip midnight, the first moment of the day."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def offsets(period: Period) -> list[tuple[datetime, int]]:
    """(from, seconds ahead of UTC): how the zone's clocks go within the period, in order, to the quarter hour."""
    found = [(period.start, _offset(period.start, period.zone))]
    moment = period.start
    while moment < period.end:
        following = min(moment + _STEP, period.end)
        if _offset(following, period.zone) != found[-1][1]:
            low, high = moment, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (low, middle) if _offset(middle, period.zone) != found[-1][1] else (middle, high)
            change = datetime.fromtimestamp(round(high.timestamp() / QUARTER_SEC) * QUARTER_SEC, UTC)
            found.append((change, _offset(following, period.zone)))
        moment = following
    return found


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    return int((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds())


def local_seconds(quarter: ColumnElement[Any], period: Period) -> ColumnElement[Any]:
    """Seconds since 1970-01-01 00:00 on the zone's own clocks, of a quarter hour within the period."""
    changes = offsets(period)
    utc = quarter * QUARTER_SEC
    if len(changes) == 1:
        return utc + changes[0][1]
    later = [(quarter < int(until.timestamp()) // QUARTER_SEC, ahead) for (_, ahead), (until, _) in pairwise(changes)]
    return utc + case(*later, else_=changes[-1][1])


def local_hour(quarter: ColumnElement[Any], period: Period) -> ColumnElement[Any]:
    """Hours since 1970-01-01 00:00 local."""
    return whole(local_seconds(quarter, period), HOUR_SEC)


def local_day(quarter: ColumnElement[Any], period: Period) -> ColumnElement[Any]:
    """Days since 1970-01-01 local."""
    return whole(local_seconds(quarter, period), DAY_SEC)


def day_of(number: int) -> date:
    """The date of a count of days since 1970-01-01, a Thursday."""
    return date(1970, 1, 1) + timedelta(days=int(number))
