"""Numbers as people read them, by unit."""

from __future__ import annotations

import math

_SPACE = "\u00a0"  # a line does not break between a number and its unit
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def shown(value: float | None, unit: str) -> str:
    """`98.19 %`, `4.4 GB`, `1,361 ms`, `12 incidents`; a dash for nothing."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "ratio":
        return f"{_short(value * 100)}{_SPACE}%"
    if unit in ("bytes", "bit/s"):
        return _scaled(value, "B" if unit == "bytes" else "bit/s")
    return f"{_short(value)}{_SPACE}{unit}".rstrip()


def change(value: float | None) -> str:
    """`+3.1 %`; a dash for nothing."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 10:
        return f"×{value + 1:,.0f}" if value > 0 else f"{value * 100:+,.0f} %"
    return f"{value * 100:+.1f} %"


def _short(value: float) -> str:
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100 or value == round(value):
        return f"{value + 0:,.0f}"
    if size >= 1:
        return f"{value:.2f}"
    return f"{value:.3g}" if value else "0"


def _scaled(value: float, unit: str) -> str:
    for factor, prefix in _PREFIXES:
        if abs(value) >= factor:
            return f"{value / factor:.1f}{_SPACE}{prefix}{unit}"
    return f"{value:,.0f}{_SPACE}{unit}"
