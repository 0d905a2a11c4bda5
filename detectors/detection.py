"""The detection job: points and baselines → anomalies, incidents, service states. Running it twice changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from contracts.clock import epoch_ms, floor_to, from_epoch_ms, iso, parse_iso
from contracts.entities import Entity
from contracts.indices import KPI_INDEX
from detectors.anomalies import MISSED_GAP_SEC, STANDING_GAP_SEC
from detectors.baseline import Baseline
from detectors.decisions import RULES
from detectors.evidence import Judged
from detectors.findings import Anomaly, Incident
from detectors.identity import keep_anomalies, keep_incidents
from detectors.judging import Judgement, find
from detectors.marking import marks
from detectors.panel import Bools, Ints, Load
from detectors.reading import job_state, keep_job, trained
from detectors.records import (
    Document,
    anomaly_document,
    closed,
    contributions_of,
    incident_document,
    known_from,
    moment,
    read,
    same,
    state_document,
    with_earlier_peak,
)
from detectors.revision import Written, revise, stamped
from detectors.scorers.joint import Joint
from detectors.state import STEP_SEC, State, states
from detectors.subject import Kpi
from infrastructure.store import Operation, Store

LOOKBACK = timedelta(hours=26)  # a day's bucket and the slack of late files: judged again on every run
FARTHEST = timedelta(days=14)  # an incident open longer than this keeps its start without being judged from there again
_GAP_MS = {
    "baseline": RULES[3600].gap_sec * 1000,
    "feed": RULES[3600].gap_sec * 1000,
    "threshold": MISSED_GAP_SEC * 1000,
    "standing": STANDING_GAP_SEC * 1000,
    "joint": RULES[3600].gap_sec * 1000,
}
_NEWEST = {"size": 1, "sort": [{"@timestamp": "desc"}]}


@dataclass(frozen=True, slots=True)
class DetectReport:
    """What one run judged and wrote. `series`: with a baseline; 0: train first, only targets were judged.

    `excused`: buckets that were not judged since maintenance, or an event, is planned for them. `suppressed`: anomalies that a
    verdict of people keeps quiet (`detectors.feedback`). `other_zone`: the time zone of baselines that were not used, since the
    network is in another one by now.
    """

    since: datetime
    until: datetime
    series: int
    buckets: int
    anomalies: Written = field(default_factory=Written)
    incidents: Written = field(default_factory=Written)
    states: int = 0
    open_incidents: tuple[str, ...] = ()
    seconds: float = 0.0
    excused: int = 0
    suppressed: int = 0
    other_zone: str = ""


def detect_job(
    store: Store,
    kpis: Sequence[Kpi],
    baselines: Sequence[Baseline],
    joints: Sequence[Joint],
    load: Load,
    zone: ZoneInfo,
    *,
    since: datetime | None,
    until: datetime,
) -> DetectReport:
    """Judges every bucket that ends by `until`, from `since`, or from where the last run stopped and what changed since."""
    began, seen = time.monotonic(), store.clock()
    window = _window(store, since, until)
    if window is None:
        return DetectReport(until, until, sum(len(one.series) for one in baselines), 0)
    start_ms, until_ms = epoch_ms(window), epoch_ms(floor_to(until, STEP_SEC))
    judgement = find(kpis, baselines, load, start_ms, until_ms, zone, joints=joints, marks=marks(store, since=window))
    anomalies, incidents = _write_findings(store, judgement, start_ms, until_ms)
    written = _write_states(store, kpis, judgement, baselines, start_ms, until_ms)
    _keep_checkpoint(store, window, until, seen, judgement.suppressed)
    open_now = tuple(one.title for one in judgement.incidents if one.open)
    buckets = sum(int(np.isfinite(one.expected.value).sum()) for one in judgement.judged)
    known = sum(len(one.series) for one in baselines)
    seconds = time.monotonic() - began
    planned = sum(int(one.panel.excused.sum()) for one in judgement.judged if one.panel.excused is not None)
    return DetectReport(
        window, until, known, buckets, anomalies, incidents, written, open_now, seconds, planned, judgement.suppressed
    )


def _keep_checkpoint(store: Store, since: datetime, until: datetime, seen: datetime, suppressed: int) -> None:
    """How far it came, when it looked, what verdicts kept quiet, and the earliest time ever judged: late data before that
    revise nothing.
    """
    checkpoint, detail = job_state(store, "detect")
    first = min(detail.get("first", iso(since)), iso(since))
    keep_job(
        store, "detect", max(until, checkpoint or until), {"seen": iso(seen), "first": first, "suppressed": suppressed}
    )


# Where to begin


def _window(store: Store, since: datetime | None, until: datetime) -> datetime | None:
    """Start of what is judged, None when there is nothing to judge."""
    start = since or _from_checkpoint(store, until)
    if start is None or start >= until:
        return None
    start = floor_to(start, 3600)
    earliest = start - FARTHEST
    while True:
        alive = [
            {"range": {"incident.last": {"gte": iso(start - timedelta(hours=2))}}},
            {"term": {"incident.status": "open"}},
        ]
        late = {
            "bool": {
                "filter": [{"range": {"event.start": {"lt": iso(start)}}}],
                "should": alive,
                "minimum_should_match": 1,
                "must_not": {"term": {"incident.status": "withdrawn"}},
            }
        }
        starts = [
            parse_iso(read(hit["_source"], "event.start")) for hit in store.scan("incident", late, ["event.start"])
        ]
        first = floor_to(min(starts, default=start), 3600)
        if first >= start or start <= earliest:
            return max(start, earliest) if starts else start
        start = max(first, earliest)


def _from_checkpoint(store: Store, until: datetime) -> datetime | None:
    """From the last run, less the lookback and whatever points were rolled again since; else from the end of training."""
    checkpoint, detail = job_state(store, "detect")
    if checkpoint is None:
        training = trained(store)
        return training.until if training is not None else until - timedelta(days=7)
    first = parse_iso(detail["first"])
    start = min(checkpoint, until) - LOOKBACK
    seen = parse_iso(detail["seen"])
    if store.clock() < seen:  # it went back: stamps no longer tell what was rolled again since
        return max(first, start - FARTHEST)
    touched = _earliest_touched(store, seen - timedelta(minutes=1))
    return max(first, min(start, max(touched or start, start - FARTHEST)))


def _earliest_touched(store: Store, since: datetime) -> datetime | None:
    """Earliest bucket of the points written since the last run."""
    earliest = []
    for name in KPI_INDEX.values():
        answer = store.search(
            name,
            size=0,
            query={"range": {"event.ingested": {"gte": iso(since)}}},
            aggs={"first": {"min": {"field": "@timestamp"}}},
        )
        value = answer.get("aggregations", {}).get("first", {}).get("value")
        if value is not None:
            earliest.append(from_epoch_ms(int(value)))
    return min(earliest, default=None)


# Anomalies and incidents


def _write_findings(store: Store, judgement: Judgement, start_ms: int, until_ms: int) -> tuple[Written, Written]:
    stored = _stored(store, "anomaly", start_ms - STANDING_GAP_SEC * 1000, until_ms)
    stored_incidents = _stored(store, "incident", start_ms - STANDING_GAP_SEC * 1000, until_ms)
    known = [known_from(document) for document in stored.values()]
    kept = keep_anomalies(judgement.anomalies, known, window_start=start_ms, gap_ms=_GAP_MS)
    renamed = {old.id: new for old, new in zip(judgement.anomalies, kept, strict=True)}
    incidents = [
        replace(one, anomalies=tuple(renamed[part.id] for part in one.anomalies)) for one in judgement.incidents
    ]
    incidents = keep_incidents(incidents, {row.id: row.incident for row in known})
    return (
        _write_anomalies(store, kept, incidents, stored, start_ms, until_ms),
        _write_incidents(store, incidents, stored_incidents, start_ms, until_ms),
    )


def _stored(store: Store, kind: str, since_ms: int, until_ms: int) -> dict[str, Document]:
    """Stored anomalies or incidents that may be what is found in [since, until), by id."""
    query = {
        "bool": {
            "filter": [{"range": {"event.start": {"lt": moment(until_ms)}}}],
            "should": [{"range": {f"{kind}.last": {"gte": moment(since_ms)}}}, {"term": {f"{kind}.status": "open"}}],
            "minimum_should_match": 1,
        }
    }
    store.refresh(kind)
    return {hit["_id"]: hit["_source"] for hit in store.scan(kind, query)}


def _write_anomalies(
    store: Store,
    kept: Sequence[Anomaly],
    incidents: Sequence[Incident],
    stored: Mapping[str, Document],
    start_ms: int,
    until_ms: int,
) -> Written:
    incident_of = {part.id: one.id for one in incidents for part in one.anomalies}
    found = {}
    for one in kept:
        document = anomaly_document(one, incident_of.get(one.id, ""))
        clipped = one.id in stored and epoch_ms(parse_iso(read(stored[one.id], "event.start"))) < start_ms
        found[one.id] = with_earlier_peak(document, stored[one.id]) if clipped else document
    found |= _over("anomaly", found, stored, start_ms, until_ms)
    gone = [key for key, document in stored.items() if key not in found and _inside(document, start_ms)]
    return revise(store, "anomaly", found, stored, gone, "No longer found with later data")


def _write_incidents(
    store: Store, incidents: Sequence[Incident], stored: Mapping[str, Document], start_ms: int, until_ms: int
) -> Written:
    found = {one.id: incident_document(one) for one in incidents}
    found |= _over("incident", found, stored, start_ms, until_ms)
    gone = [key for key, document in stored.items() if key not in found and _inside(document, start_ms)]
    return revise(
        store, "incident", found, stored, gone, "No longer found with later data, or part of another incident"
    )


def _over(
    kind: str, found: Mapping[str, Document], stored: Mapping[str, Document], start_ms: int, until_ms: int
) -> dict[str, Document]:
    """Stored open findings from before what was judged again that have not shown for longer than any gap: closed."""
    return {
        key: closed(document, kind)
        for key, document in stored.items()
        if key not in found
        and not _inside(document, start_ms)
        and read(document, f"{kind}.status") == "open"
        and until_ms - epoch_ms(parse_iso(read(document, f"{kind}.last"))) > STANDING_GAP_SEC * 1000
    }


def _inside(document: Document, start_ms: int) -> bool:
    """Whether a stored finding lies wholly where everything was judged again."""
    return epoch_ms(parse_iso(read(document, "event.start"))) >= start_ms


# Service states


def _write_states(
    store: Store,
    kpis: Sequence[Kpi],
    judgement: Judgement,
    baselines: Sequence[Baseline],
    start_ms: int,
    until_ms: int,
) -> int:
    step = STEP_SEC * 1000
    starts = np.arange(start_ms - start_ms % step, until_ms - step + 1, step, dtype=np.int64)
    weights = {kpi.id: kpi.weight for kpi in kpis}
    reach = reach_of(baselines)
    if not len(starts):
        return 0
    index = _stored_states(store, int(starts[0]) - step, until_ms)
    operations = []
    own = [one for one in judgement.judged if not one.panel.kpi.as_stored]
    for service in sorted({series.service for one in own for series in one.panel.series}):
        first_id, _ = state_document(State(service, int(starts[0]) - step, 100.0, {}, "good"))
        before = contributions_of(index[first_id]) if first_id in index else {}
        known = _judged_at(own, service, starts)
        for state in states(service, judgement.anomalies, weights, reach, starts, before=before, known=list(known)):
            key, document = state_document(state)
            if key not in index or not same(document, index[key]):
                place = store.place("service-state", from_epoch_ms(state.bucket))
                operations.append(Operation("index", place, key, stamped(document, iso(store.clock()))))
    store.write_all(operations)
    store.refresh("service-state")
    return len(operations)


def _stored_states(store: Store, since_ms: int, until_ms: int) -> dict[str, Document]:
    store.refresh("service-state")
    query = {"range": {"@timestamp": {"gte": moment(since_ms), "lt": moment(until_ms)}}}
    return {hit["_id"]: hit["_source"] for hit in store.scan("service-state", query)}


def reach_of(baselines: Iterable[Baseline]) -> dict[tuple[str, Entity], float]:
    """Usual share of an entity in its service's samples, 0–1, per KPI."""
    per_second: dict[tuple[str, str, Entity], float] = {}
    for one in baselines:
        for row, series in enumerate(one.series):
            rate = float(np.nan_to_num(one.samples[row]).sum()) / one.step_sec
            per_second[series.kpi, series.service, series.entity] = rate
    found = {}
    for (kpi, service, entity), rate in per_second.items():
        whole = per_second.get((kpi, service, Entity("service", service)), 0.0)
        found[kpi, entity] = min(rate / whole, 1.0) if whole > 0 else 1.0
    return found


def _judged_at(found: Sequence[Judged], service: str, starts: Ints) -> Bools:
    """Buckets in which anything of the service was judged."""
    known = np.zeros(len(starts), dtype=bool)
    for one in found:
        rows = [row for row, series in enumerate(one.panel.series) if series.service == service]
        if not rows:
            continue
        judged = np.isfinite(one.expected.value[rows]) & (one.panel.coverage[rows] > 0)
        usable = np.logical_or.reduce(judged, axis=0)
        column = np.searchsorted(one.panel.starts, starts, side="right") - 1
        inside = (column >= 0) & (starts < one.panel.ends[np.maximum(column, 0)])
        known |= inside & usable[np.maximum(column, 0)]
    return known


def latest_states(store: Store) -> list[dict[str, Any]]:
    """Latest state of every service: `service, at, value, word, contributions`, worst first."""
    answer = store.search(
        "service-state",
        size=0,
        aggs={"services": {"terms": {"field": "service.name", "size": 100}, "aggs": {"last": {"top_hits": _NEWEST}}}},
    )
    rows = []
    for group in answer.get("aggregations", {}).get("services", {}).get("buckets", []):
        document = group["last"]["hits"]["hits"][0]["_source"]
        rows.append(
            {
                "service": group["key"],
                "at": document["@timestamp"],
                "value": read(document, "state.value"),
                "word": read(document, "state.word"),
                "contributions": contributions_of(document),
            }
        )
    return sorted(rows, key=lambda row: (row["value"], row["service"]))
