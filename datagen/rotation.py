"""When a switch closes a file and begins the next: by time, by size or by number of records."""

from __future__ import annotations

import re
from dataclasses import dataclass

from contracts.errors import DefinitionError
from datagen.arrivals import DAY_MS

_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": DAY_MS}
_UNITS_BYTES = {"kB": 1000, "MB": 10**6, "GB": 10**9}
_FORM = re.compile(r"([1-9][0-9]{0,8})(m|h|d|kB|MB|GB|lines)")
_REMEDY = "minutes or hours that divide a day (15m, 1h, 1d), a size (500kB, 10MB) or a count (50000lines)"


@dataclass(frozen=True, slots=True)
class Rotation:
    """One of the three is not 0. `step`: length of a file's period in ms; a file has at least one record of `size` or `lines`."""

    step: int = 0
    size: int = 0
    lines: int = 0

    @property
    def by_time(self) -> bool:
        return bool(self.step)

    @property
    def stamp(self) -> str:
        """strftime pattern of the beginning of a file, as it stands in file names."""
        if not self.step or self.step == DAY_MS:
            return "%Y%m%d"
        return "%Y%m%d-%H" if self.step % 3_600_000 == 0 else "%Y%m%d-%H%M"

    def full(self, records: int, octets: int) -> bool:
        """Whether a file of so much is closed before the next record."""
        return bool((self.lines and records >= self.lines) or (self.size and octets >= self.size))


def rotation(rotate: str) -> Rotation:
    """Raises DefinitionError on what is no time, size or count."""
    found = _FORM.fullmatch(rotate)
    if found is None:
        raise DefinitionError(f"rotate {rotate!r} is no rotation", remedy=_REMEDY)
    count, unit = int(found[1]), found[2]
    if unit == "lines":
        return Rotation(lines=count)
    if unit in _UNITS_BYTES:
        return Rotation(size=count * _UNITS_BYTES[unit])
    step = count * _UNITS_MS[unit]
    if DAY_MS % step:
        raise DefinitionError(f"rotate {rotate!r} does not divide a day", remedy=_REMEDY)
    return Rotation(step=step)
