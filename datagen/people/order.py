"""Who uses how much, and who lives where: customers have a rank in use, and their numbers tell nothing about it.

Rank 0 uses most. A rank's stripe (rank mod `stride`: the trunk group of a business) and its place in the stripe (rank // stride)
are what a draw works on; the region follows from the place, so that one of a region can be drawn as quickly as anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np

from datagen.streams import Stream
from datagen.table import Floats, Ints

SEATS = 64  # places in a row hold all regions in proportion: shares are rounded to 1/64


def scatter(rank: Ints, size: int) -> Ints:
    """Numbers 0 … size-1 shuffled one to one."""
    factor, shift, _ = _wheel(size)
    return (rank * factor + shift) % size


def gather(n: Ints, size: int) -> Ints:
    """The rank that `scatter` made n of."""
    _, shift, back = _wheel(size)
    return (n - shift) % size * back % size


@lru_cache(maxsize=256)
def _wheel(size: int) -> tuple[int, int, int]:
    """Factor, shift, inverse of the factor. The factor is near the golden section: neighbours in rank end up far apart."""
    factor = max(1, round(size * 0.6180339887))
    while gcd(factor, size) > 1:
        factor += 1
    return factor, size // 3, pow(factor, -1, size) if size > 1 else 0


@dataclass(frozen=True, slots=True, eq=False)
class Seating:
    """`region`: region of each seat. `rows`: per area (a set of regions) its seats, stretched to SEATS entries."""

    region: Ints
    rows: Ints


def seating(shares: Floats, areas: Ints) -> Seating:
    """Seats dealt out by share, evenly mixed. shares: of each region; areas: the area that each region is in.

    Every region gets a seat at least.
    """
    exact = shares / shares.sum() * SEATS
    due = (np.arange(SEATS)[:, None] + 1) * exact / SEATS
    region = np.empty(SEATS, np.int64)
    given = np.zeros(shares.size)
    for seat in range(SEATS):
        region[seat] = np.argmax(due[seat] - given + np.where(given == 0, 1e-3 / exact.size, 0))
        given[region[seat]] += 1
    _everyone(region, shares.size)
    rows = np.empty((int(areas.max()) + 1, SEATS), np.int64)
    for area in range(rows.shape[0]):
        seats = np.flatnonzero(areas[region] == area)
        rows[area] = seats[np.arange(SEATS) * seats.size // SEATS]
    return Seating(region, rows)


def _everyone(region: Ints, regions: int) -> None:
    """A region too small for a seat takes one of the largest."""
    for missing in sorted(set(range(regions)) - set(region.tolist())):
        largest = np.bincount(region, minlength=regions).argmax()
        region[np.flatnonzero(region == largest)[-1]] = missing


def some_place(rng: Stream, places: Ints | int, skew: float, size: int) -> Ints:
    """Places 0 … places-1, the first ones most often: the share of the first p of them is p^(1/skew)."""
    return (places * rng.random(size) ** skew).astype(np.int64)


def seated(place: Ints, rows: Ints, places: Ints | int) -> Ints:
    """The place nearest to each that is in its area. rows: the area's row of seats for each; places: how many there are."""
    row = place - place % SEATS
    moved: Ints = row + rows[np.arange(place.size), place % SEATS]
    moved = np.where(moved >= places, moved - SEATS, moved)
    return np.where(moved < 0, place, moved)
