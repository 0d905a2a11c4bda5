"""Rhythm: profiles, dispersion and autocorrelation of counts that are known beforehand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from datagen.fidelity.timing import clock, time_scores

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def slots(hourly: np.ndarray, start: datetime = MONDAY) -> Counter[str]:
    """Counts an hour, spread over its twelve slots as evenly as whole numbers can be."""
    found: Counter[str] = Counter()
    for hour, count in enumerate(hourly.tolist()):
        for part in range(12):
            rows = count // 12 + (part < count % 12)
            if rows:
                found[(start + timedelta(hours=hour, minutes=5 * part)).isoformat()[:16]] = rows
    return found


def rhythm(weeks: int) -> np.ndarray:
    """A working week: busy days, quiet nights, half as much at the weekend."""
    day = 20 + 100 * np.exp(-(((np.arange(24) - 14) / 4) ** 2))
    week = np.concatenate([day * (1.0 if number < 5 else 0.5) for number in range(7)])
    return np.tile(week, weeks)


def test_time_of_a_side_against_itself_has_no_distance() -> None:
    counts = slots(np.random.default_rng(1).poisson(rhythm(3)))
    scores = time_scores(counts, counts)
    assert scores is not None
    assert (scores.hour_of_week, scores.hour_of_day, scores.autocorrelation_difference) == (0.0, 0.0, 0.0)
    assert scores.real.dispersion == scores.synthetic.dispersion


def test_time_of_the_same_rhythm_is_as_far_apart_as_chance_alone_makes_it() -> None:
    one, other = (slots(np.random.default_rng(seed).poisson(rhythm(4))) for seed in (1, 2))
    scores = time_scores(one, other)
    assert scores is not None
    assert scores.hour_of_week is not None
    assert scores.hour_of_week_noise is not None
    assert scores.hour_of_week == pytest.approx(scores.hour_of_week_noise, rel=0.2)


def test_time_of_a_flat_side_is_far_from_one_with_a_busy_hour() -> None:
    busy = slots(np.random.default_rng(1).poisson(rhythm(3)))
    flat = slots(np.random.default_rng(2).poisson(np.full(3 * 168, rhythm(1).mean())))
    scores = time_scores(busy, flat)
    assert scores is not None
    assert scores.hour_of_week is not None
    assert scores.hour_of_week > 0.25
    assert scores.real.lag(24) is not None
    assert scores.real.lag(24) > 0.6  # type: ignore[operator]
    assert abs(scores.synthetic.lag(24) or 1.0) < 0.15


def test_dispersion_is_one_for_poisson_counts_and_more_for_bursts() -> None:
    rng = np.random.default_rng(3)
    rate = np.full(14 * 24, 120.0)
    spread: Counter[str] = Counter()
    burst: Counter[str] = Counter()
    for hour, _ in enumerate(rate):
        for part in range(12):
            name = (MONDAY + timedelta(hours=hour, minutes=5 * part)).isoformat()[:16]
            spread[name] = int(rng.poisson(10))
            burst[name] = int(rng.poisson(10 * rng.gamma(0.5, 2)))
    even, uneven = clock(spread, 5), clock(burst, 5)
    assert even.dispersion == pytest.approx(1.0, abs=0.1)
    assert even.dispersion_around_profile == pytest.approx(1.0, abs=0.1)
    assert uneven.dispersion is not None
    assert uneven.dispersion > 5


def test_excess_is_the_same_at_every_rate() -> None:
    rng = np.random.default_rng(6)
    shape = rng.gamma(2, 0.5, 28 * 24)
    few, many = (clock(slots(rng.poisson(rate * shape)), 60) for rate in (60, 6000))
    assert many.dispersion is not None
    assert few.dispersion is not None
    assert many.dispersion > 20 * few.dispersion
    assert many.excess == pytest.approx(few.excess, rel=0.15)
    assert few.excess == pytest.approx(0.5, rel=0.25)


def test_dispersion_around_the_rhythm_leaves_the_rhythm_out() -> None:
    found = clock(slots(np.random.default_rng(4).poisson(rhythm(8))), 60)
    assert found.dispersion is not None
    assert found.dispersion > 10
    assert found.dispersion_around_profile == pytest.approx(1.0, abs=0.2)


def test_days_without_records_are_not_zeros() -> None:
    counts = slots(np.random.default_rng(5).poisson(rhythm(2)))
    gap = Counter({slot: rows for slot, rows in counts.items() if not slot.startswith("2026-11-05")})
    whole, holed = clock(counts, 60), clock(gap, 60)
    assert (whole.days, holed.days) == (14, 13)
    assert holed.day_profile == pytest.approx(whole.day_profile, rel=0.15)


def test_profile_begins_on_monday() -> None:
    found = clock({"2026-11-02T00:00": 7, "2026-11-08T23:55": 3}, 60)
    assert found.profile[0] == 7
    assert found.profile[167] == 3
    assert np.isnan(found.profile[24:144]).all()


def test_time_is_not_scored_where_a_side_has_none() -> None:
    assert time_scores({}, {"2026-11-02T00:00": 7}) is None


def test_one_wild_date_does_not_take_the_memory() -> None:
    found = clock({"1970-01-01T00:00": 1, "2099-12-31T23:55": 5}, 60)
    assert found.rows == 5
