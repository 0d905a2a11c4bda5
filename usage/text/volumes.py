"""Volumes of data: `1.5 MB` (powers of 1000), `2 GiB` (powers of 1024, IEC 80000-13) or bytes. Kept in bytes."""

from __future__ import annotations

import re
from decimal import Decimal

LARGEST = 2**63 - 1  # of a stored whole number
_PREFIXES = "kMGTPE"
_VOLUME = re.compile(r"(\d{1,19}(?:[.,]\d{1,9})?)\s*(?:([kKMGTPE])(i?))?\s*(b|B|bytes?|octets?)?", re.ASCII)


def parse_volume(text: str) -> int:
    """Bytes; fractions of a byte are cut. Raises ValueError with the reason: not a volume, negative, too large."""
    cleaned = text.strip()
    if cleaned.startswith(("-", "−")):
        raise ValueError(f"{cleaned[:40]!r} is negative")
    match = _VOLUME.fullmatch(cleaned)
    if match is None:
        raise ValueError(f"{cleaned[:40]!r} is not a volume; write it as 1.5 MB, 2 GiB, or in bytes")
    if match[4] == "b":
        raise ValueError(f"{cleaned[:40]!r} is in bits; volumes are in bytes (B)")
    power = 0 if match[2] is None else _PREFIXES.index("k" if match[2] == "K" else match[2]) + 1
    value = int(Decimal(match[1].replace(",", ".")) * (1024 if match[3] else 1000) ** power)
    if value > LARGEST:
        raise ValueError(f"{cleaned[:40]!r} is more than can be stored ({LARGEST} bytes)")
    return value


def decimal(volume: int) -> str:
    """`1.5 MB`: powers of 1000, as tariffs and interfaces count."""
    return _written(volume, 1000, "")


def binary(volume: int) -> str:
    """`1.43 MiB`: powers of 1024, as memory counts."""
    return _written(volume, 1024, "i")


def _written(volume: int, base: int, mark: str) -> str:
    if volume < base:
        return f"{volume} B"
    power = next(p for p in range(len(_PREFIXES), 0, -1) if volume >= base**p)
    hundredths = (volume * 100 + base**power // 2) // base**power
    if hundredths >= base * 100 and power < len(_PREFIXES):  # 999,999 B are 1 MB, not 1000 kB
        power, hundredths = power + 1, 100
    prefix = _PREFIXES[power - 1].upper() if mark else _PREFIXES[power - 1]
    number = f"{hundredths // 100}.{hundredths % 100:02d}".rstrip("0").rstrip(".")
    return f"{number} {prefix}{mark}B"
