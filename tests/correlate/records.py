"""CDR documents of sessions and calls, a call of a line each, and what the store has of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.clock import iso, parse_iso
from contracts.ids import joined
from contracts.indices import CDR_INDEX
from infrastructure.store import Operation, Store, Versioned
from mediation.correlate.records import CdrRecord

Document = dict[str, Any]
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PGW = "192.0.2.1"


def at(minutes: float) -> datetime:
    """A moment, minutes after START."""
    return START + timedelta(minutes=minutes)


def partial(
    number: int | None,
    start: float,
    end: float,
    *,
    up: int = 100,
    down: int = 1000,
    cause: str = "time_limit",
    sgw: bool = False,
    charging_id: int = 7,
    came: float | None = None,
    **more: Any,
) -> Document:
    """One record of a data session, `start` to `end` in minutes after START; it came in at `came`, or when it ended."""
    final = cause in ("normal_release", "abnormal_release", "camel_release")
    epc: Document = {
        "apn": "internet",
        "rat": "NR",
        "pgw": {"address": PGW},
        "charging_id": charging_id,
        "cause_for_closing": cause,
        "final": final,
        "uplink": {"bytes": up},
        "downlink": {"bytes": down},
        "total": {"bytes": up + down},
    }
    epc |= {"record_sequence": number} if number is not None else {}
    epc |= {"record_type": "sgw-cdr"} if sgw else {}
    document = _document("epc", start, end, came) | {"epc": epc | more.pop("epc", {})}
    return document | {"subscriber": {"imsi": "0123"}} | more


def leg(call_id: str, record: str, start: float, end: float, *, came: float | None = None, **voip: Any) -> Document:
    """One leg of a call; unanswered unless `answer` (minutes) is given."""
    answer = voip.pop("answer", None)
    call: Document = {"call_id": call_id, "disposition": "ringing" if answer is None else "answered"} | voip
    if answer is not None:
        call |= {"answer": iso(at(answer)), "duration": {"sec": (end - answer) * 60}}
    document = _document("voip", start, end, came)
    document["cdr"] |= {"record": record}
    return document | {"voip": call}


def report(call_id: str, record: str, end: float, **voip: Any) -> Document:
    """A quality report (CMR) of a call."""
    document = leg(call_id, record, end, end)
    document["cdr"]["kind"] = "cmr"
    del document["event"]["start"], document["event"]["end"]
    return document | {"voip": {"call_id": call_id} | voip}


def step(call_id: str, event: str, end: float, sip: int | None = None) -> Document:
    """A SIP transaction or channel event of a call: it has a time, and no start or end."""
    document = leg(call_id, event, end, end)
    document["cdr"] |= {"kind": "event", "event": event}
    del document["event"]["start"], document["event"]["end"]
    return document | {"voip": {"call_id": call_id} | ({} if sip is None else {"release": {"sip": sip}})}


def _document(service: str, start: float, end: float, came: float | None) -> Document:
    ends = iso(at(end))
    event = {"kind": "event", "dataset": f"busyhour.{service}", "start": iso(at(start)), "end": ends}
    event |= {"ingested": iso(at(end if came is None else came))}
    return {"@timestamp": ends, "event": event, "service": {"name": service}, "cdr": {"layout": f"{service}-busyhour"}}


def id_of(document: Document) -> str:
    """Deterministic, from everything but its stamps."""
    bare = {key: part for key, part in document.items() if key != "event"}
    return joined((repr(bare), document["event"].get("start"), document["@timestamp"]))


def put(store: Store, documents: Iterable[Document]) -> None:
    """Writes CDRs straight into the store, as either runner would; known ones are left as they are."""
    store.write_all(
        Operation(
            "create",
            store.place(CDR_INDEX[document["service"]["name"]], parse_iso(document["@timestamp"])),
            id_of(document),
            document,
        )
        for document in documents
    )


def held(documents: Sequence[Document]) -> list[CdrRecord]:
    """The same without a store."""
    return [CdrRecord.of(Versioned(id_of(document), "cdr", document, 0, 1)) for document in documents]


def everything(store: Store, index: str) -> dict[str, Document]:
    """Documents by id, without what differs from run to run."""
    store.refresh(index)
    return {hit["_id"]: bare(hit["_source"]) for hit in store.scan(index)}


def bare(document: Document) -> Document:
    """Without stamps."""
    event = {name: part for name, part in document["event"].items() if name != "ingested"}
    cdr = {name: part for name, part in document["cdr"].items() if name not in ("moved_from", "correlated")}
    cdr = {name: part for name, part in cdr.items() if part is not None}
    return {**document, "event": event, "cdr": cdr}


def only(documents: dict[str, Document]) -> Document:
    """The one that there is."""
    assert len(documents) == 1, documents
    return next(iter(documents.values()))


def marks(store: Store, index: str) -> dict[str, str]:
    """Why a record adds nothing ("": it does), by id, of the records that were taken in."""
    store.refresh(index)
    found = {hit["_id"]: hit["_source"]["cdr"] for hit in store.scan(index)}
    return {key: cdr.get("surplus") or "" for key, cdr in found.items() if cdr.get("correlated")}
