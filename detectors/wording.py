"""Reasons in words that a night shift reads, without a term that is not already on its screens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.clock import from_epoch_ms
from contracts.entities import Entity
from detectors.subject import Kpi

_NAMES = {
    "release_cause": "release cause",
    "destination": "destination",
    "cause_for_closing": "cause for closing",
    "trunk_group": "trunk group",
    "trunk_group_in": "incoming trunk group",
    "sbc": "SBC",
    "plan": "plan",
    "call_type": "call type",
    "smsc": "SMSC",
    "apn": "APN",
    "pgw": "P-GW",
    "rat": "radio access",
    "feed": "feed",
    "service": "service",
}


def entity_words(entity: Entity) -> str:
    """`trunk group TG6`."""
    return f"{_NAMES.get(entity.type, entity.type.replace('_', ' '))} {entity.id}"


def number(value: float, unit: str) -> str:
    """A value with as many digits as matter and its unit: `0.71`, `2,140 ms`, `1.2 GB`."""
    if unit == "ratio":
        digits = 2 if 0.02 <= value <= 0.98 or value in (0.0, 1.0) else 3 if 0.002 <= value <= 0.998 else 4
        return f"{value:.{digits}f}"
    if unit == "bytes":
        for size, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value:.0f} bytes"
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return text if unit in ("", "MOS", "R") else f"{text} {unit}"


def hour_words(at_ms: int, zone: ZoneInfo, step_sec: int) -> str:
    """`Fri 10:00`; a day alone for daily buckets."""
    local = from_epoch_ms(at_ms).astimezone(zone)
    return local.strftime("%a") if step_sec >= 86400 else local.strftime("%a %H:%M")


def span_words(start_ms: int, end_ms: int, zone: ZoneInfo, step_sec: int) -> str:
    """`Fri 10:00` for a bucket, `Fri 10:00–10:35` for several, with the second day's name where it is another."""
    begin, end = hour_words(start_ms, zone, step_sec), from_epoch_ms(end_ms).astimezone(zone)
    if end_ms - start_ms <= step_sec * 1000:
        return begin
    same_day = from_epoch_ms(start_ms).astimezone(zone).date() == end.date()
    return f"{begin}–{end.strftime('%H:%M' if same_day else '%a %H:%M')}"


def since_words(at_ms: int, zone: ZoneInfo) -> str:
    local: datetime = from_epoch_ms(at_ms).astimezone(zone)
    return local.strftime("%a %d %b %H:%M")


def deviation(kpi: Kpi, entity: Entity, actual: float, lower: float, upper: float, samples: float, when: str) -> str:
    """`ASR of trunk group TG6 is 0.71; between 0.93 and 0.99 is normal for Fri 10:00 (212 calls)`."""
    low, high = number(lower, kpi.unit), number(upper, kpi.unit)
    if kpi.model == "count":
        low = number(lower, "")
    normal = f"about {high} is normal" if low == high else f"between {low} and {high} is normal"
    behind = "" if kpi.model == "count" or math.isnan(samples) else f" ({_counted(samples, kpi.noun)})"
    return f"{kpi.alias} of {entity_words(entity)} is {number(actual, kpi.unit)}; {normal} for {when}{behind}"


def broken_target(kpi: Kpi, entity: Entity, actual: float, samples: float, since: str, usual: float | None) -> str:
    """`NER of trunk group TG6 is below the target of 0.99 since Fri 20 Nov 10:00: 0.90 of 212 calls at its worst`."""
    assert kpi.target is not None  # noqa: S101  the rule judges only KPIs that have one
    side = "below" if kpi.target_is_least else "above"
    words = (
        f"{kpi.alias} of {entity_words(entity)} is {side} the target of {number(kpi.target, kpi.unit)} since {since}: "
        f"{number(actual, kpi.unit)} at its worst ({_counted(samples, kpi.noun)})"
    )
    return words if usual is None else f"{words}; {number(usual, kpi.unit)} is usual here"


def silence(kpi: Kpi, entity: Entity, expected: float, since: str) -> str:
    """`No data of service voip since Fri 20 Nov 10:00; about 140 calls should have come`."""
    return f"No data of {entity_words(entity)} since {since}; about {_counted(expected, kpi.noun)} should have come"


def _counted(samples: float, noun: str) -> str:
    return f"{samples:,.0f} {noun[:-1] if round(samples) == 1 and noun.endswith('s') else noun}"


def novelty(kpi: Kpi, entity: Entity, actual: float, usual: float, when: str) -> str:
    """`release cause no_circuit: 41 calls in an hour since Fri 13 Nov 10:00, where there are hardly ever any`."""
    often = "there are hardly ever any" if usual < 0.1 else f"{usual:.1f} are usual"
    return f"{entity_words(entity)}: {actual:,.0f} {kpi.noun} in an hour since {when}, where {often}"


def together(
    entity: Entity, parts: Sequence[tuple[Kpi, float, float]], start_ms: int, end_ms: int, zone: ZoneInfo
) -> str:
    """`ASR 0.66 (0.71 is usual), PDD 1,920 ms (1,700 ms) and ACD 91 s (110 s) of trunk group TG6: each may be chance, together in
    Fri 10:00–11:00 they hardly are`.
    """
    said = [
        f"{kpi.alias} {number(actual, kpi.unit)} ({number(usual, kpi.unit)}{'' if turn else ' is usual'})"
        for turn, (kpi, actual, usual) in enumerate(parts)
    ]
    names = f"{', '.join(said[:-1])} and {said[-1]}"
    when = span_words(start_ms, end_ms, zone, 300)
    return f"{names} of {entity_words(entity)}: each may be chance, together in {when} they hardly are"


def shifted(kpi: Kpi, entity: Entity, actual: float, usual: float, since_ms: int, high: bool, zone: ZoneInfo) -> str:
    """`MOS of SBC lon-sbc has been lower since Fri 02 Oct: 4.08 where 4.12 is usual, day after day`."""
    day = from_epoch_ms(since_ms).astimezone(zone).strftime("%a %d %b")
    said, normal = number(actual, kpi.unit), number(usual, kpi.unit)
    side = "higher" if high else "lower"
    return f"{kpi.alias} of {entity_words(entity)} has been {side} since {day}: {said} where {normal} is usual, day after day"
