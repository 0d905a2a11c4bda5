"""Reasons in words that a night shift reads, without a term that is not already on its screens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.clock import from_epoch_ms
from contracts.entities import Entity
from contracts.sentences import sentence
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
    low, high = number(lower, "" if kpi.model == "count" else kpi.unit), number(upper, kpi.unit)
    said: dict[str, object] = {"kpi": kpi.alias, "entity": entity_words(entity), "actual": number(actual, kpi.unit)}
    said |= {"low": low, "high": high, "when": when}
    if kpi.model == "count" or math.isnan(samples):
        if low == high:
            return sentence("%(kpi)s of %(entity)s is %(actual)s; about %(high)s is normal for %(when)s", **said)
        return sentence(
            "%(kpi)s of %(entity)s is %(actual)s; between %(low)s and %(high)s is normal for %(when)s", **said
        )
    said["samples"] = _counted(samples, kpi.noun)
    if low == high:
        return sentence(
            "%(kpi)s of %(entity)s is %(actual)s; about %(high)s is normal for %(when)s (%(samples)s)", **said
        )
    return sentence(
        "%(kpi)s of %(entity)s is %(actual)s; between %(low)s and %(high)s is normal for %(when)s (%(samples)s)", **said
    )


def broken_target(kpi: Kpi, entity: Entity, actual: float, samples: float, since: str, usual: float | None) -> str:
    """`NER of trunk group TG6 is below the target of 0.99 since Fri 20 Nov 10:00: 0.90 at its worst (212 calls)`."""
    assert kpi.target is not None  # noqa: S101  the rule judges only KPIs that have one
    said: dict[str, object] = {"kpi": kpi.alias, "entity": entity_words(entity), "actual": number(actual, kpi.unit)}
    said |= {"target": number(kpi.target, kpi.unit), "since": since, "samples": _counted(samples, kpi.noun)}
    if kpi.target_is_least:
        text = sentence(
            "%(kpi)s of %(entity)s is below the target of %(target)s since %(since)s: "
            "%(actual)s at its worst (%(samples)s)",
            **said,
        )
    else:
        text = sentence(
            "%(kpi)s of %(entity)s is above the target of %(target)s since %(since)s: "
            "%(actual)s at its worst (%(samples)s)",
            **said,
        )
    if usual is None:
        return text
    return sentence("%(reason)s; %(usual)s is usual here", reason=text, usual=number(usual, kpi.unit))


def silence(kpi: Kpi, entity: Entity, expected: float, since: str) -> str:
    """`No data of service voip since Fri 20 Nov 10:00; about 140 calls should have come`."""
    return sentence(
        "No data of %(entity)s since %(since)s; about %(samples)s should have come",
        entity=entity_words(entity),
        since=since,
        samples=_counted(expected, kpi.noun),
    )


def _counted(samples: float, noun: str) -> str:
    return f"{samples:,.0f} {noun[:-1] if round(samples) == 1 and noun.endswith('s') else noun}"


def novelty(kpi: Kpi, entity: Entity, actual: float, usual: float, when: str) -> str:
    """`release cause no_circuit: 41 calls in an hour since Fri 13 Nov 10:00, where there are hardly ever any`."""
    said: dict[str, object] = {"entity": entity_words(entity), "actual": f"{actual:,.0f} {kpi.noun}", "since": when}
    if usual < 0.1:
        return sentence(
            "%(entity)s: %(actual)s in an hour since %(since)s, where there are hardly ever any",
            **said,
        )
    return sentence(
        "%(entity)s: %(actual)s in an hour since %(since)s, where %(usual)s are usual", usual=f"{usual:.1f}", **said
    )


def together(
    entity: Entity, parts: Sequence[tuple[Kpi, float, float]], start_ms: int, end_ms: int, zone: ZoneInfo
) -> str:
    """`ASR 0.66 (0.71 is usual), PDD 1,920 ms (1,700 ms) and ACD 91 s (110 s) of trunk group TG6: each may be chance, together in
    Fri 10:00–11:00 they hardly are`.
    """
    first, *more = (
        {"kpi": kpi.alias, "actual": number(actual, kpi.unit), "usual": number(usual, kpi.unit)}
        for kpi, actual, usual in parts
    )
    said = [sentence("%(kpi)s %(actual)s (%(usual)s is usual)", **first)]
    said += [sentence("%(kpi)s %(actual)s (%(usual)s)", **each) for each in more]
    return sentence(
        "%(kpis)s and %(last)s of %(entity)s: each may be chance, together in %(when)s they hardly are",
        kpis=", ".join(said[:-1]),
        last=said[-1],
        entity=entity_words(entity),
        when=span_words(start_ms, end_ms, zone, 300),
    )


def shifted(kpi: Kpi, entity: Entity, actual: float, usual: float, since_ms: int, high: bool, zone: ZoneInfo) -> str:
    """`MOS of SBC lon-sbc has been lower since Fri 02 Oct: 4.08 where 4.12 is usual, day after day`."""
    said: dict[str, object] = {"kpi": kpi.alias, "entity": entity_words(entity), "actual": number(actual, kpi.unit)}
    day = from_epoch_ms(since_ms).astimezone(zone).strftime("%a %d %b")
    said |= {"usual": number(usual, kpi.unit), "since": day}
    if high:
        return sentence(
            "%(kpi)s of %(entity)s has been higher since %(since)s: %(actual)s where %(usual)s is usual, day after day",
            **said,
        )
    return sentence(
        "%(kpi)s of %(entity)s has been lower since %(since)s: %(actual)s where %(usual)s is usual, day after day",
        **said,
    )


def also_at(reason: str, places: Sequence[Entity], most: int = 4) -> str:
    """The reason, and where else it shows."""
    if not places:
        return reason
    named, more = ", ".join(map(entity_words, places[:most])), len(places) - most
    if more <= 0:
        return sentence("%(reason)s. Also seen at %(places)s", reason=reason, places=named)
    return sentence("%(reason)s. Also seen at %(places)s and %(count)s more", reason=reason, places=named, count=more)


def silent_title(entity: Entity) -> str:
    return sentence("silent feed: %(entity)s", entity=entity_words(entity))


def joint_title(kpis: str, entity: Entity) -> str:
    """`ASR + PDD unusual together at trunk group TG2`."""
    return sentence("%(kpis)s unusual together at %(entity)s", kpis=kpis, entity=entity_words(entity))


def title(sides: Sequence[tuple[str, str]], entity: Entity) -> str:
    """`NER, ASR low, PDD high at trunk group TG2`. `sides`: one or two of (KPIs, `low` or `high`)."""
    (kpis, side), *rest = sides
    said: dict[str, object] = {"kpis": kpis, "entity": entity_words(entity)}
    if rest:
        said["others"] = rest[0][0]
        if side == "low":
            return sentence("%(kpis)s low, %(others)s high at %(entity)s", **said)
        return sentence("%(kpis)s high, %(others)s low at %(entity)s", **said)
    if side == "low":
        return sentence("%(kpis)s low at %(entity)s", **said)
    return sentence("%(kpis)s high at %(entity)s", **said)
