"""What believable small files are made of: hours, numbers, how calls end. Same seed, same bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

Row = list[str]
FIRST = datetime(2026, 10, 5, tzinfo=UTC)  # a Monday
# Calls of each hour of the day, in relation: a night, a rise to midday, an evening.
_HOURS = (2, 1, 1, 1, 1, 2, 5, 10, 16, 20, 22, 23, 24, 22, 20, 19, 18, 18, 17, 15, 12, 9, 6, 3)
# How a call ends: disposition, Q.850 cause, SIP status, weight. The last contradicts itself, as real switches do.
_ENDS = (
    ("answered", 16, 0, 70),
    ("ringing", 19, 480, 8),
    ("ringing", 31, 487, 7),
    ("ringing", 17, 486, 5),
    ("call-attempt", 1, 404, 5),
    ("call-attempt", 34, 503, 2),
    ("call-attempt", 27, 0, 2),
    ("answered", 31, 500, 1),
)


def moments(rng: Random, count: int, spread: timedelta = timedelta(hours=24)) -> list[datetime]:
    """Times of `count` calls in one day, in order."""
    hours = rng.choices(range(24), _HOURS, k=count)
    seconds = (hour * 3600 + rng.random() * 3600 for hour in hours)
    return [FIRST + spread * (second / 86400) for second in sorted(seconds)]


def example_number(rng: Random) -> str:
    """A number of a range kept for examples (Ofcom)."""
    return f"+447700900{rng.randrange(1000):03d}"


def call_end(rng: Random) -> tuple[str, int, int]:
    """Disposition, Q.850 cause, SIP status."""
    disposition, cause, status, _ = rng.choices(_ENDS, [end[3] for end in _ENDS])[0]
    return disposition, cause, status


def mos_of(factor: float) -> float:
    """MOS of a transmission rating (ITU-T G.107, annex B)."""
    return 1 + 0.035 * factor + factor * (factor - 60) * (100 - factor) * 7e-6
