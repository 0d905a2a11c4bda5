"""Files as a switch leaves them: rotated by time, named by period, complete or not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from contracts.errors import DefinitionError
from datagen.arrivals import DAY_MS
from datagen.table import Ints

ROTATIONS = {"15m": 900_000, "1h": 3_600_000, "6h": 21_600_000, "1d": DAY_MS}


@dataclass(frozen=True, slots=True)
class Period:
    """Rows `first` … `last`-1 of a day belong to the file of `start` … `end` (ms since 1970)."""

    start: int
    end: int
    first: int
    last: int


def rotation(rotate: str) -> int:
    """Length of a file's period in ms. Raises DefinitionError."""
    if rotate not in ROTATIONS:
        raise DefinitionError(f"rotate {rotate!r} is not one of {', '.join(ROTATIONS)}")
    return ROTATIONS[rotate]


def periods(times: Ints, day_start: int, step: int) -> Iterator[Period]:
    """The periods of a day, in order, for rows that are sorted by time."""
    starts = np.arange(day_start, day_start + DAY_MS, step)
    edges = np.searchsorted(times, [*starts.tolist(), day_start + DAY_MS])
    for position, start in enumerate(starts.tolist()):
        yield Period(start, start + step, int(edges[position]), int(edges[position + 1]))


def batches(periods: Iterable[Period], rows: int) -> Iterator[list[Period]]:
    """Neighbouring periods together until they hold at least `rows` rows: text is made for that many at once."""
    batch: list[Period] = []
    for period in periods:
        batch.append(period)
        if period.last - batch[0].first >= rows:
            yield batch
            batch = []
    if batch:
        yield batch


CDR_FOLDER = (
    "cdr"  # CDR files only, so that a folder of them can be ingested whole; truth and customers stand beside it
)


def file_name(service: str, start: int, step: int) -> str:
    """`voip-20261101.csv`, `voip-20261101-10.csv` or `voip-20261101-1015.csv`, by the length of the period."""
    moment = datetime.fromtimestamp(start / 1000, UTC)
    pattern = "%Y%m%d" if step == DAY_MS else "%Y%m%d-%H" if step >= 3_600_000 else "%Y%m%d-%H%M"
    return f"{service}-{moment.strftime(pattern)}.csv"


def write_whole(path: Path, content: bytes) -> None:
    """The file appears complete under its name, or not at all; until then it is a dot file ending in `.part`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def size_in_words(size: float) -> str:
    """`3.2 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return re.sub(r"\.0$", "", f"{size:.1f}") + f" {unit}"
        size /= 1000
    return f"{size:.1f} TB"
