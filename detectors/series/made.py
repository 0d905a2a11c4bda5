"""Made series with labelled events, of the kinds that servers, markets, roads, sensors and people give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from detectors.series.scoring import Labelled
from detectors.series.windows import Floats

ROWS = 2400
_WINDOW_SHARE = 0.1  # of the rows, divided among the events, as in the Numenta Anomaly Benchmark
_START = 1_400_025_600.0  # 14 May 2014 00:00 UTC


class _Made(NamedTuple):
    """`events`: rows at which something happens."""

    values: Floats
    step_sec: float
    events: tuple[int, ...]


def made_series(seed: int, rows: int = ROWS) -> list[Labelled]:
    """One series of each kind; another seed gives others of the same kinds."""
    return list(_all(seed, rows))


def _all(seed: int, rows: int) -> Iterator[Labelled]:
    for number, (name, make) in enumerate(KINDS.items()):
        made = make(np.random.default_rng((seed, number)), rows)
        seconds = _START + made.step_sec * np.arange(rows, dtype=np.float64)
        half = round(_WINDOW_SHARE * rows / max(len(made.events), 1) / 2)
        windows = tuple((max(event - half, 0), min(event + half, rows - 1)) for event in made.events)
        yield Labelled(name, seconds, made.values, windows)


def _season(rows: int, per_day: float) -> Floats:
    phase = np.arange(rows) * 2 * np.pi / per_day
    return np.asarray(np.sin(phase - 2) + 0.3 * np.sin(2 * phase), dtype=float)


def _places(rng: Generator, rows: int, count: int) -> tuple[int, ...]:
    """Rows of `count` events, well apart, after the first third."""
    width = (rows - rows // 3) // count
    return tuple(rows // 3 + width * number + int(rng.integers(width // 4, width // 2)) for number in range(count))


def _cpu_spikes(rng: Generator, rows: int) -> _Made:
    values = 4 + rng.gamma(2, 0.4, rows)
    values[rng.random(rows) < 0.01] += 6  # usual little ones
    events = _places(rng, rows, 2)
    values[events[0]] += 60
    values[events[1] : events[1] + 20] += 12
    return _Made(values, 300, events)


def _level_shift(rng: Generator, rows: int) -> _Made:
    values = 35 + rng.normal(0, 1, rows)
    events = _places(rng, rows, 2)
    values[events[0] :] += 8
    values[events[1] :] -= 14
    return _Made(values, 300, events)


def _noise_change(rng: Generator, rows: int) -> _Made:
    values = 50 + rng.normal(0, 1, rows)
    events = _places(rng, rows, 1)
    values[events[0] : events[0] + 200] += rng.normal(0, 3, 200)
    return _Made(values, 300, events)


def _flat_line(rng: Generator, rows: int) -> _Made:
    values = 70 + 5 * _season(rows, 288) + rng.normal(0, 1, rows)
    events = _places(rng, rows, 1)
    values[events[0] : events[0] + 60] = values[events[0]]
    return _Made(values, 300, events)


def _demand(rng: Generator, rows: int) -> _Made:
    """Half-hourly demand with day and week; a holiday, and a rush at night."""
    weekend = (np.arange(rows) // 48 % 7) >= 5
    level = 15_000 * (1 - 0.2 * weekend) * (1 + 0.6 * _season(rows, 48))
    events = tuple(48 * (row // 48) for row in _places(rng, rows, 2))
    level[events[0] : events[0] + 48] *= 0.6
    level[events[1] + 6 : events[1] + 12] += 12_000
    return _Made(level + rng.normal(0, 500, rows), 1800, (events[0] + 24, events[1] + 9))


def _machine(rng: Generator, rows: int) -> _Made:
    """Temperature that wanders; it falls slowly, then fails."""
    wander = np.zeros(rows)
    for row in range(1, rows):
        wander[row] = 0.995 * wander[row - 1] + rng.normal(0, 0.5)
    values = 90 + wander + rng.normal(0, 0.5, rows)
    (event,) = _places(rng, rows, 1)
    values[event - 60 : event] -= np.linspace(0, 15, 60)
    values[event : event + 40] -= 45
    return _Made(values, 300, (event,))


def _prices(rng: Generator, rows: int) -> _Made:
    """Hourly cost per click: day, heavy noise, two real bursts."""
    values = 0.1 * np.exp(0.3 * _season(rows, 24) + 0.25 * rng.standard_t(5, rows))
    events = _places(rng, rows, 2)
    for event in events:
        values[event : event + 3] *= 12
    return _Made(values, 3600, events)


def _mentions(rng: Generator, rows: int) -> _Made:
    """Counts with a day and frequent bursts; two that are far beyond the usual."""
    rate = 40 * np.exp(0.7 * _season(rows, 288)) * rng.gamma(8, 1 / 8, rows)
    bursts = rng.random(rows) < 0.008
    rate[bursts] *= 1 + rng.pareto(3, int(bursts.sum())) * 2
    events = _places(rng, rows, 2)
    for event in events:
        rate[event : event + 15] += 900 * np.exp(-np.arange(15) / 5)
    return _Made(rng.poisson(rate).astype(float), 300, events)


def _road(rng: Generator, rows: int) -> _Made:
    """Speed with rush hours; two jams at odd times."""
    values = 65 - 8 * np.maximum(_season(rows, 288), 0) + rng.normal(0, 2, rows)
    events = _places(rng, rows, 2)
    for event in events:
        values[event : event + 12] -= 40
    return _Made(np.maximum(values, 0), 300, events)


def _at_the_wrong_time(rng: Generator, rows: int) -> _Made:
    """A square day that is missing once: no value is unusual, its time is."""
    values = np.where((np.arange(rows) % 288 > 96) & (np.arange(rows) % 288 < 216), 80.0, 20.0) + rng.normal(0, 2, rows)
    day = 288 * (_places(rng, rows, 1)[0] // 288 + 1)
    values[day : day + 288] = 20 + rng.normal(0, 2, 288)
    return _Made(values, 300, (day + 120,))


def _quiet(rng: Generator, rows: int) -> _Made:
    return _Made(100 + 20 * _season(rows, 288) + rng.normal(0, 3, rows), 300, ())


def _quiet_heavy(rng: Generator, rows: int) -> _Made:
    return _Made(np.exp(rng.standard_t(4, rows) * 0.4), 300, ())


KINDS: dict[str, Callable[[Generator, int], _Made]] = {
    "cpu_spikes": _cpu_spikes,
    "level_shift": _level_shift,
    "noise_change": _noise_change,
    "flat_line": _flat_line,
    "demand": _demand,
    "machine": _machine,
    "prices": _prices,
    "mentions": _mentions,
    "road": _road,
    "wrong_time": _at_the_wrong_time,
    "quiet": _quiet,
    "quiet_heavy": _quiet_heavy,
}
