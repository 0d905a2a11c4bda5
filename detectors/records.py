"""Documents of baselines, anomalies, incidents and states, and back. Pure: dicts in the shape of contracts.fields."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import HOURS_OF_WEEK, epoch_ms, from_epoch_ms, iso, parse_iso
from contracts.entities import Entity
from contracts.ids import joined
from detectors.baseline import MODEL_VERSION, Baseline, band
from detectors.evaluation import Found
from detectors.findings import Anomaly, Incident
from detectors.identity import Known
from detectors.panel import Floats
from detectors.scales import from_scale, to_scale
from detectors.state import State
from detectors.subject import Kpi, Series

Document = dict[str, Any]
_SINCE = re.compile(r"since \w{3} \d\d \w{3} \d\d:\d\d")  # as wording.since_words says it
_DIGITS = 10  # significant digits kept: far finer than any noise, and the same on every run


def moment(milliseconds: int) -> str:
    return iso(from_epoch_ms(milliseconds))


def tidy(value: float) -> float | None:
    """A finite number with ten significant digits, else None."""
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def nested(flat: Mapping[str, Any]) -> Document:
    """`{"kpi.id": 1}` → `{"kpi": {"id": 1}}`; absent (None) stays absent."""
    document: Document = {}
    for name, value in flat.items():
        if value is None:
            continue
        *parents, leaf = name.split(".")
        level = document
        for parent in parents:
            level = level.setdefault(parent, {})
        level[leaf] = value
    return document


def read(document: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """The value of a dotted name in a nested document."""
    level: Any = document
    for part in name.split("."):
        if not isinstance(level, Mapping) or part not in level:
            return default
        level = level[part]
    return level


# Baselines


def baseline_documents(baseline: Baseline, set_name: str, trained: str) -> Iterator[tuple[str, Document]]:
    """(id, document) per series and known hour of week; days are kept at their hour 0."""
    kpi = baseline.kpi
    value = from_scale(kpi, baseline.centre)
    samples = baseline.samples
    column = (slice(None), None)
    lower, upper = band(kpi, baseline.centre, baseline.within[column], baseline.between, baseline.tail[column], samples)
    spread, dispersion = _spread(baseline, value)
    for row, series in enumerate(baseline.series):
        for hour in np.flatnonzero(np.isfinite(baseline.centre[row])):
            numbers = {
                "baseline.expected": value[row, hour],
                "baseline.spread": spread[row, hour],
                "baseline.dispersion": dispersion[row, hour],
                "baseline.lower": lower[row, hour],
                "baseline.upper": upper[row, hour],
                "baseline.within": baseline.within[row],
                "baseline.between": baseline.between[row, hour],
                "baseline.tail": baseline.tail[row],
                "baseline.floor": baseline.floor[row],
                "baseline.samples": samples[row, hour],
                "baseline.weeks": baseline.weeks[row, hour],
            }
            yield (
                joined((series.kpi, series.entity, series.service, int(hour), set_name)),
                nested(
                    {
                        **_series_fields(series),
                        "kpi.version": kpi.version,
                        "baseline.hour_of_week": int(hour),
                        "baseline.timezone": baseline.zone.key,
                        "baseline.resolution.sec": baseline.step_sec,
                        "baseline.kind": kpi.model,
                        "baseline.model_version": MODEL_VERSION,
                        "baseline.set": set_name,
                        "baseline.trained": trained,
                        **{name: tidy(float(number)) for name, number in numbers.items()},
                    }
                ),
            )


def _spread(baseline: Baseline, value: Floats) -> tuple[Floats, Floats]:
    """Standard deviation at usual samples in the KPI's unit, and variance over that of an ideal count or ratio."""
    samples = np.maximum(np.nan_to_num(baseline.samples, nan=1.0), 1.0)
    within = baseline.within[:, None]
    if baseline.kpi.model == "count":
        ideal, variance = value, value + baseline.between * value**2
    else:
        ideal = np.ones_like(value)
        variance = within / samples + baseline.between
        if baseline.kpi.model == "ratio":
            ideal, variance = value * (1 - value) / samples, value * (1 - value) * variance
        elif baseline.kpi.logarithmic:
            variance = variance * value**2
    return np.sqrt(variance), variance / np.maximum(ideal, 1e-12)


def digest_of(baselines: Sequence[Baseline], more: Iterable[str] = ()) -> str:
    """Digest of what baselines say, and `more`: the same training gives the same."""
    total = hashlib.sha256()
    for one in baselines:
        total.update(f"{one.kpi.id}|{one.kpi.version}|{one.step_sec}|{one.zone.key}|{one.series}".encode())
        for array in (one.centre, one.between, one.within, one.tail):
            total.update(np.char.mod("%.8g", array).tobytes())
    for text in more:
        total.update(text.encode())
    return total.hexdigest()[:32]


def baselines_from(documents: Iterable[Document], kpis: Mapping[str, Kpi]) -> list[Baseline]:
    """Baselines by KPI, resolution and zone. Documents of unknown KPIs or other versions of a definition are left out."""
    groups: dict[tuple[str, int, str], dict[Series, dict[int, Document]]] = {}
    for document in documents:
        kpi = kpis.get(read(document, "kpi.id", ""))
        if kpi is None or read(document, "kpi.version") != kpi.version:
            continue
        key = (kpi.id, int(read(document, "baseline.resolution.sec")), str(read(document, "baseline.timezone")))
        hours = groups.setdefault(key, {}).setdefault(_series_of(document), {})
        hours[int(read(document, "baseline.hour_of_week"))] = document["baseline"]
    return [_baseline(kpis[kpi], step, ZoneInfo(zone), groups[kpi, step, zone]) for kpi, step, zone in sorted(groups)]


def _baseline(kpi: Kpi, step: int, zone: ZoneInfo, rows: dict[Series, dict[int, Document]]) -> Baseline:
    series = tuple(sorted(rows))
    cells = {
        name: np.full((len(series), HOURS_OF_WEEK), np.nan) for name in ("expected", "between", "samples", "weeks")
    }
    each = {name: np.full(len(series), np.nan) for name in ("within", "tail", "floor")}
    for row, one in enumerate(series):
        for hour, values in rows[one].items():
            for name, cell in cells.items():
                cell[row, hour] = values.get(name, np.nan)
        for name, array in each.items():
            array[row] = values.get(name, np.nan)
    centre = to_scale(kpi, cells["expected"], 1e-12)
    return Baseline(
        kpi, step, zone, series, centre, cells["between"], each["within"], each["tail"], each["floor"],
        cells["samples"], cells["weeks"],
    )  # fmt: skip


# Anomalies and incidents


def anomaly_document(one: Anomaly, incident: str) -> Document:
    return nested(
        {
            **_times(one.start, one.end, one.open, one.severity),
            **_series_fields(one.series),
            "anomaly.id": one.id,
            "anomaly.status": "open" if one.open else "closed",
            "anomaly.detector": one.detector,
            "anomaly.score": one.score,
            "anomaly.direction": one.direction,
            "anomaly.kpis": list(one.kpis) or None,
            "anomaly.actual": tidy(one.actual),
            "anomaly.expected": tidy(one.expected),
            "anomaly.lower": tidy(one.lower),
            "anomaly.upper": tidy(one.upper),
            "anomaly.samples": tidy(one.samples),
            "anomaly.reason": one.reason,
            "anomaly.detected": moment(one.detected),
            "anomaly.last": moment(one.end),
            "incident.id": incident or None,
        }
    )


def incident_document(one: Incident) -> Document:
    return nested(
        {
            **_times(one.start, one.end, one.open, one.severity),
            "incident.id": one.id,
            "incident.status": "open" if one.open else "closed",
            "incident.title": one.title,
            "incident.reason": one.reason,
            "incident.score": one.score,
            "incident.services": list(one.services),
            "incident.entities": [str(entity) for entity in one.entities],
            "incident.kpis": list(one.kpis),
            "incident.anomalies": len(one.anomalies),
            "incident.detected": moment(one.detected),
            "incident.last": moment(one.end),
        }
    )


def closed(document: Document, kind: str) -> Document:
    """The document of an open anomaly or incident (`kind`), ended where it was last seen."""
    event = {**document["event"], "end": document[kind]["last"]}
    return {**document, "event": event, kind: {**document[kind], "status": "closed"}}


def withdrawn(document: Document, kind: str, why: str) -> Document:
    """The document of an anomaly or incident (`kind`) that is no longer found, with why, kept for the record."""
    own = {**document[kind], "status": "withdrawn"}
    if not str(own["reason"]).endswith(why):
        own["reason"] = f"{own['reason']}. {why}"
    last = own.get("last", read(document, "event.start"))
    return {**document, "event": {**document["event"], "end": last}, kind: own}


def with_earlier_peak(document: Document, stored: Document) -> Document:
    """`document`, with the stored anomaly's peak where that was higher: it may lie before what was judged again."""
    if read(stored, "anomaly.score", 0.0) < read(document, "anomaly.score", 0.0):
        since = _SINCE.search(str(read(stored, "anomaly.reason", "")))
        reason = str(read(document, "anomaly.reason"))
        words = _SINCE.sub(since.group(), reason) if since else reason
        return {**document, "anomaly": {**document["anomaly"], "reason": words}}
    peak = ("score", "actual", "expected", "lower", "upper", "samples", "reason")
    kept = {name: value for name, value in stored["anomaly"].items() if name in peak}
    own = {name: value for name, value in document["anomaly"].items() if name not in peak}
    return {**document, "anomaly": {**own, **kept}}


def known_from(document: Document) -> Known:
    """A stored anomaly as `identity` wants it."""
    key = (
        read(document, "anomaly.detector"),
        read(document, "kpi.id"),
        f"{read(document, 'entity.type')}:{read(document, 'entity.id')}",
        read(document, "service.name"),
        read(document, "anomaly.direction"),
    )
    return Known(
        id=read(document, "anomaly.id"),
        key=key,
        start=_ms(read(document, "event.start")),
        end=_ms(read(document, "anomaly.last")),
        detected=_ms(read(document, "anomaly.detected")),
        incident=read(document, "incident.id", ""),
    )


def found_from(document: Document) -> Found:
    """A stored incident as `evaluation` wants it."""
    return Found(
        id=read(document, "incident.id"),
        services=tuple(read(document, "incident.services", ())),
        entities=tuple(read(document, "incident.entities", ())),
        start=parse_iso(read(document, "event.start")),
        end=parse_iso(read(document, "incident.last")),
        detected=parse_iso(read(document, "incident.detected")),
        title=read(document, "incident.title", ""),
    )


def state_document(state: State) -> tuple[str, Document]:
    """(id, document) of one service and bucket."""
    stamp = moment(state.bucket)
    document = nested(
        {
            "@timestamp": stamp,
            "service.name": state.service,
            "state.value": state.value,
            "state.word": state.word,
            "state.contributions": {kpi.replace(".", "/"): points for kpi, points in state.contributions.items()},
        }
    )
    return joined((state.service, stamp)), document


def contributions_of(document: Document) -> dict[str, float]:
    """Contributions of a stored state, by KPI id."""
    return {kpi.replace("/", "."): float(points) for kpi, points in read(document, "state.contributions", {}).items()}


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two documents say the same, apart from when they were written."""
    return _unstamped(one) == _unstamped(other)


def _unstamped(document: Mapping[str, Any]) -> Document:
    event = {name: value for name, value in document.get("event", {}).items() if name != "ingested"}
    return {**document, "event": event}


def _times(start: int, end: int, is_open: bool, severity: int) -> Document:
    return {
        "@timestamp": moment(start),
        "event.start": moment(start),
        "event.end": None if is_open else moment(end),
        "event.severity": severity,
    }


def _series_fields(series: Series) -> Document:
    return {
        "service.name": series.service,
        "entity.type": series.entity.type,
        "entity.id": series.entity.id,
        "kpi.id": series.kpi,
    }


def _series_of(document: Document) -> Series:
    entity = Entity(read(document, "entity.type"), read(document, "entity.id"))
    return Series(read(document, "kpi.id"), read(document, "service.name"), entity)


def _ms(text: str) -> int:
    return epoch_ms(parse_iso(text))
