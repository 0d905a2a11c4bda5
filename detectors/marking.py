"""Verdicts on anomalies, kept and read: index `feedback`, one document per anomaly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from contracts.clock import epoch_ms, iso, parse_iso
from contracts.errors import UserError
from detectors.feedback import Mark, Scope, Verdict
from infrastructure.store import Store

LASTING = timedelta(days=28)
_LONGEST = 1000  # characters of a reason


def mark(
    store: Store,
    anomaly: Mapping[str, Any],
    verdict: Verdict,
    *,
    by: str,
    why: str,
    scope: Scope = "series",
    lasting: timedelta = LASTING,
) -> Mark:
    """Keeps a verdict on a stored anomaly (its document); a later verdict on the same one takes its place.

    `lasting`: from the anomaly's start, how long others like a false one are quiet. Raises UserError without author or reason.
    """
    if not by.strip() or not why.strip():
        raise UserError("a verdict needs an author and a reason", remedy="say who marks it (--by) and why (--why)")
    if lasting <= timedelta(0):
        raise UserError("a verdict that lasts no time teaches nothing", remedy="give --for as 7d or 12h")
    source = _document(anomaly, verdict, by.strip(), why.strip()[:_LONGEST], scope, lasting, store.clock())
    key = str(anomaly["anomaly"]["id"])
    store.modify("feedback", key, lambda old: source, create=lambda: source)
    store.refresh("feedback")
    return _read(key, source)


def marks(store: Store, *, since: datetime | None = None) -> list[Mark]:
    """Verdicts, newest first; with `since` only those that keep others quiet at or after that time."""
    query: dict[str, Any] = {"range": {"feedback.until": {"gt": iso(since)}}} if since else {"match_all": {}}
    found = [_read(hit["_id"], hit["_source"]) for hit in store.scan("feedback", query)]
    return sorted(found, key=lambda one: (one.at, one.anomaly), reverse=True)


def _document(
    anomaly: Mapping[str, Any], verdict: str, by: str, why: str, scope: str, lasting: timedelta, now: datetime
) -> dict[str, Any]:
    about, start = anomaly["anomaly"], parse_iso(anomaly["event"]["start"])
    actual, expected = about.get("actual"), about.get("expected")
    document: dict[str, Any] = {
        "@timestamp": iso(now),
        "event": {"ingested": iso(now)},
        "service": anomaly["service"],
        "entity": anomaly["entity"],
        "kpi": {"id": anomaly["kpi"]["id"]},
        "anomaly": {"id": about["id"], "direction": about["direction"]},
        "feedback": {"verdict": verdict, "by": by, "why": why, "scope": scope},
    }
    if actual is not None and expected is not None:
        document["feedback"]["deviation"] = abs(float(actual) - float(expected))
    if verdict != "true":
        over = anomaly["event"].get("end")
        end = parse_iso(over) if verdict == "expected" and over else start + lasting
        document["feedback"] |= {"from": iso(start), "until": iso(end)}
    return document


def _read(key: str, source: Mapping[str, Any]) -> Mark:
    said = source["feedback"]
    start, end = (epoch_ms(parse_iso(said[name])) if name in said else 0 for name in ("from", "until"))
    return Mark(
        anomaly=key,
        verdict=said["verdict"],
        by=said["by"],
        why=said["why"],
        at=source["@timestamp"],
        scope=said["scope"],
        service=source["service"]["name"],
        kpi=source["kpi"]["id"],
        entity=f"{source['entity']['type']}:{source['entity']['id']}",
        direction=source["anomaly"]["direction"],
        deviation=float(said.get("deviation", "inf")),
        start=start,
        end=end,
    )
