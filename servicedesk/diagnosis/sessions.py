"""The last sessions of some numbers, with outcome and quality: one ES|QL query a service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.clock import iso, parse_iso
from contracts.entities import Entity
from contracts.settings import Settings
from detectors.mix import MIXES
from infrastructure.store import Store
from kpis.catalogue import Service
from servicedesk.bad_outcomes import KEYS, bad
from servicedesk.diagnosis.model import Session
from servicedesk.diagnosis.said import Said

EACH = 20  # newest sessions of a service
# Records that count: not those that a call or session stands for, nor quality reports and steps (kpis/counting.py).
_COUNTS = (
    'cdr.correlated IS NULL AND cdr.surplus IS NULL AND (cdr.kind IS NULL OR cdr.kind IN ("cdr", "call", "session"))'
)
_CELL = ("subscriber.cell", "subscriber.region", "peer.country")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "cdr-voip": (
        "voip.disposition",
        "voip.duration.sec",
        "voip.pdd.ms",
        "voip.release.name",
        "voip.release.q850",
        "voip.release.sip",
        "voip.calling.number",
        "voip.called.country",
        "voip.calling.mos",
        "voip.called.mos",
        "voip.calling.jitter.ms",
        "voip.called.jitter.ms",
    ),
    "cdr-mobile-voice": ("mobile.call_type", "mobile.duration.sec", *_CELL),
    "cdr-sms": ("mobile.call_type", "sms.result", "sms.error_code", "sms.delay.sec", *_CELL),
    "cdr-epc": (
        "epc.cause_for_closing",
        "epc.total.bytes",
        "epc.duration.sec",
        "subscriber.cell",
        "subscriber.region",
    ),
}
QUALITY = {
    "MOS": ("voip.calling.mos", "voip.called.mos"),
    "jitter ms": ("voip.calling.jitter.ms", "voip.called.jitter.ms"),
    "post-dial delay ms": ("voip.pdd.ms",),
    "delivery s": ("sms.delay.sec",),
    "volume bytes": ("epc.total.bytes",),
    "duration s": ("voip.duration.sec", "mobile.duration.sec", "epc.duration.sec"),
}


def last_sessions(
    store: Store, settings: Settings, services: Iterable[Service], keys: Sequence[str], since: datetime, until: datetime
) -> list[Session]:
    """Sessions with `since` < time ≤ `until` of the numbers with these keyed hashes, the newest EACH of each service, newest
    first."""
    found: list[Session] = []
    for service in services if keys else ():
        found += _of_service(store, settings, service, keys, since, until)
    return sorted(found, key=lambda one: one.at, reverse=True)


def _of_service(
    store: Store, settings: Settings, service: Service, keys: Sequence[str], since: datetime, until: datetime
) -> list[Session]:
    places = sorted({field for fields in service.entities.values() for field in fields})
    columns = ["@timestamp", *dict.fromkeys((*_COLUMNS[service.source], *places, "event.outcome"))]
    lost, poor = f"COALESCE({bad(service.source, (), settings)}, false)", "false"
    if service.source == "cdr-voip":
        poor = f"COALESCE({bad(service.source, ('voip.mos',), settings)}, false)"
    query = (
        f"FROM {', '.join(service.sources)} | WHERE {_COUNTS if service.correlated else 'true'} "
        f"| SORT @timestamp DESC | LIMIT {EACH} | EVAL lost = {lost}, poor = {poor} | KEEP {', '.join(columns)}, lost, poor"
    )
    hers = [{"terms": {field: list(keys)}} for field in KEYS[service.source]]
    times = {"range": {"@timestamp": {"gt": iso(since), "lte": iso(until)}}}
    where = {"bool": {"filter": [times, {"bool": {"should": hers, "minimum_should_match": 1}}]}}
    return [_session(service, row, set(keys)) for row in store.esql(query, where=where).dicts()]


def _session(service: Service, row: Mapping[str, Any], keys: set[str]) -> Session:
    places = [
        Entity(kind, str(row[field]))
        for kind, fields in service.entities.items()
        for field in fields
        if row.get(field) is not None
    ]
    quality = {name: float(values[0]) for name, fields in QUALITY.items() if (values := _known(row, fields, name))}
    return Session(
        at=parse_iso(str(row["@timestamp"])),
        service=service.name,
        verdict=_verdict(service.source, row),
        what=_WORDS[service.source](row, keys),
        places=tuple(dict.fromkeys((*places, Entity("service", service.name)))),
        quality=quality,
        cell=str(row.get("subscriber.cell") or ""),
        region=str(row.get("subscriber.region") or ""),
        destination=str(row.get("voip.called.country") or row.get("peer.country") or ""),
        said=tuple(
            Entity(mix.entity, str(row[mix.field]))
            for mix in MIXES
            if mix.service == service.name and row.get(mix.field) is not None
        ),
    )


def _known(row: Mapping[str, Any], fields: Sequence[str], name: str) -> list[Any]:
    """The worst of two legs first: the lowest MOS, the highest of all else."""
    return sorted((row[field] for field in fields if row.get(field) is not None), reverse=name != "MOS")


def _verdict(source: str, row: Mapping[str, Any]) -> str:
    if row["lost"]:
        return "bad"
    if row["poor"]:
        return "poor"
    if source == "cdr-voip":
        return "good" if row["voip.disposition"] == "answered" else "user"
    return "good" if row["event.outcome"] == "success" else "unknown"


def _call(row: Mapping[str, Any], keys: set[str]) -> Said:
    """`call out, not answered: 34 no circuit`."""
    out = row["voip.calling.number"] in keys
    if row["voip.disposition"] == "answered":
        return Said("call out, answered") if out else Said("call in, answered")
    code = row["voip.release.q850"] or row["voip.release.sip"]
    cause = " ".join(str(part) for part in (code, row["voip.release.name"]) if part)
    if not cause:
        return Said("call out, not answered") if out else Said("call in, not answered")
    if out:
        return Said("call out, not answered: %(cause)s", cause=cause)
    return Said("call in, not answered: %(cause)s", cause=cause)


def _mobile(row: Mapping[str, Any], keys: set[str]) -> Said:
    outcome = str(row["event.outcome"] or "unknown")
    kind = str(row["mobile.call_type"])
    if kind == "MOC":
        return Said("mobile call out, %(outcome)s", outcome=outcome)
    if kind == "MTC":
        return Said("mobile call in, %(outcome)s", outcome=outcome)
    return Said("mobile call, %(outcome)s", outcome=outcome)


def _message(row: Mapping[str, Any], keys: set[str]) -> Said:
    result = str(row["sms.result"] or "of unknown result")
    if row["sms.error_code"]:
        return Said("message %(result)s, error %(error)s", result=result, error=str(row["sms.error_code"]))
    return Said("message %(result)s", result=result)


def _data(row: Mapping[str, Any], keys: set[str]) -> Said:
    if not row["epc.cause_for_closing"]:
        return Said("data session, no cause for closing")
    return Said("data session, %(cause)s", cause=str(row["epc.cause_for_closing"]).replace("_", " "))


_WORDS = {"cdr-voip": _call, "cdr-mobile-voice": _mobile, "cdr-sms": _message, "cdr-epc": _data}
