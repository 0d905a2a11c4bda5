"""What a trunk group can carry: Erlang B (ITU-T E.520) at a grade of service."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from contracts.errors import UserError
from datagen.capacity import erlang_b
from mediation.enrich.references import Tables, fills

GRADE_OF_SERVICE = 0.01  # share of calls that may find all channels busy in the busy hour
_MOST_CHANNELS = 100_000
_HALVINGS = 60


class Capacity(NamedTuple):
    """Erlang that may be offered to `channels`, and that are then carried, at blocking `grade_of_service`."""

    channels: int
    grade_of_service: float
    offered: float
    carried: float


def capacity(channels: int, grade_of_service: float = GRADE_OF_SERVICE) -> Capacity:
    """The most traffic that loses no more than the grade of service. Raises UserError on impossible numbers."""
    if not 1 <= channels <= _MOST_CHANNELS:
        raise UserError(f"{channels} channels", where="channels", remedy=f"1 to {_MOST_CHANNELS:,}")
    if not 0 < grade_of_service < 1:
        raise UserError(f"grade of service {grade_of_service}", remedy="a share between 0 and 1, such as 0.01")
    low, high = 0.0, channels / (1 - grade_of_service)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if erlang_b(middle, channels) <= grade_of_service else (low, middle)
    return Capacity(channels, grade_of_service, low, low * (1 - grade_of_service))


def offered(carried: float, channels: int) -> float:
    """Erlang that were offered where `carried` were carried: carried / (1 − blocking), blocking being that of the offered.

    Never more than ten times the channels: where nearly all channels are busy all the time, carried traffic says no more.
    """
    low, high = carried, 10.0 * channels
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if middle * (1 - erlang_b(middle, channels)) <= carried else (low, middle)
    return low


def channels_of(trunk: str, folder: Path | None) -> int | None:
    """Channels of a trunk group by the reference table `trunk_groups`; None where it does not say."""
    fill = next(each for each in fills() if each.table == "trunk_groups")
    found = Tables(folder).columns(fill).get("channels", {}).get(trunk)
    return None if found is None else int(found)
