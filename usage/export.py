"""Usage out as CDR files that mediation reads: calls as voip-busyhour, SMS as sms-busyhour, data sessions as epc-busyhour.

The record's id travels with it (`usage-ID` as call id, message id or P-GW address), so that a sync knows its own records again.
Records that came from CDRs are not written: they are there already. A customer without a known number cannot be named in a CDR.
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, func, select

from contracts.clock import iso
from contracts.errors import OperatorError, UserError
from usage import schema
from usage.analytics.period import Period
from usage.engine import UsageStore
from usage.records.kinds import id_bounds

LAYOUTS = {"call": "voip-busyhour", "sms": "sms-busyhour", "data": "epc-busyhour"}
_HEADERS = {
    "call": (
        *(
            "call_id",
            "record",
            "start_time",
            "answer_time",
            "end_time",
            "duration_sec",
            "calling_number",
            "called_number",
        ),
        *(
            "disposition",
            "q850_cause",
            "sip_status",
            "pdd_ms",
            "codec",
            "calling_packets_sent",
            "calling_packets_received",
        ),
        *(
            "called_packets_sent",
            "called_packets_received",
            "calling_jitter_ms",
            "called_jitter_ms",
            "calling_r_factor",
        ),
        *("called_r_factor", "calling_mos", "called_mos", "ingress_sbc", "egress_sbc", "originating_trunk_group"),
        "terminating_trunk_group",
    ),
    "sms": (
        *("message_id", "call_type", "submit_time", "delivery_time", "result", "error_code", "smsc", "plan", "msisdn"),
        *("imsi", "imei", "peer_number", "peer_type"),
    ),
    "data": (
        *("record_opening_time", "duration_sec", "msisdn", "imsi", "imei", "plan", "apn", "rat", "qci", "uplink_bytes"),
        *("downlink_bytes", "cause_for_closing", "pgw_address", "charging_id", "record_sequence"),
    ),
}
_PAGE = 5000
_TEST_NETWORK = "00101"  # MCC 001, MNC 01: of no operator (ITU-T E.212, annex; test use)
_RESULTS = {"unknown": "pending"}
_REJECTED_CALL = 16  # normal clearing: the store does not know why a call was not answered


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """Lines written of one kind, and records left out because their customer has no number."""

    kind: str
    layout: str
    path: str
    lines: int
    without_number: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def export_cdr(
    store: UsageStore, period: Period, folder: Path, kinds: tuple[str, ...] = tuple(LAYOUTS)
) -> list[ExportedFile]:
    """Writes a file a kind with the records of a period that were logged or imported; a file appears whole or not at all.

    The names follow from the period: exporting it again replaces them, and mediating them again doubles nothing. Raises UserError
    when the folder is no folder, OperatorError when it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError("is no folder", where=str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(store, period, folder, kind) for kind in kinds]
    except OSError as error:
        raise OperatorError(f"cannot be written: {error.strerror}", where=str(folder)) from error


def _write(store: UsageStore, period: Period, folder: Path, kind: str) -> ExportedFile:
    span = f"{period.start:%Y%m%dT%H%M%S}-{period.end:%Y%m%dT%H%M%S}"
    path = folder / f"usage-{kind}-{span}.csv"
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    lines = without = 0
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_HEADERS[kind])
            for record in _records(store, period, kind):
                if record.number is None:
                    without += 1
                    continue
                writer.writerow(_LINES[kind](record))
                lines += 1
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return ExportedFile(kind, LAYOUTS[kind], str(path), lines, without)


def _records(store: UsageStore, period: Period, kind: str) -> Iterator[Row[Any]]:
    """In the order of time, a page at a time; with the customer's first number."""
    table = schema.RECORD_TABLES[kind]
    low, high = id_bounds(period.start, period.end)
    after = low
    number = (
        select(func.min(schema.numbers.c.number))
        .where(schema.numbers.c.customer_id == table.c.customer_id)
        .scalar_subquery()
    )
    while True:
        query = (
            select(table, number.label("number"))
            .where(table.c.id > after, table.c.id < high, table.c.origin.not_like("cdr-%"))
            .order_by(table.c.id)
            .limit(_PAGE)
        )
        page = store.read(lambda connection, asked=query: connection.execute(asked).all())  # type: ignore[misc]
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _end(record: Row[Any]) -> datetime:
    return record.started + timedelta(milliseconds=record.duration_ms)  # type: ignore[no-any-return]


def _seconds(record: Row[Any]) -> str:
    whole, rest = divmod(record.duration_ms, 1000)
    return f"{whole}.{rest:03d}" if rest else str(whole)


def _call(record: Row[Any]) -> tuple[Any, ...]:
    numbers = (record.number, record.peer) if record.direction == "made" else (record.peer, record.number)
    start, end = iso(record.started), iso(_end(record))
    answer, lasted = (start, _seconds(record)) if record.answered else ("", "")
    disposition, cause = ("answered", _REJECTED_CALL) if record.answered else ("ringing", "")
    return (f"usage-{record.id}", "", start, answer, end, lasted, *numbers, disposition, cause, *([""] * 17))


def _sms(record: Row[Any]) -> tuple[Any, ...]:
    kind = "SMS-MO" if record.direction == "made" else "SMS-MT"
    started, result = iso(record.started), _RESULTS.get(record.result, record.result)
    delivered = started if result == "delivered" else ""
    return (
        f"usage-{record.id}",
        kind,
        started,
        delivered,
        result,
        "",
        "",
        record.plan,
        record.number,
        "",
        "",
        record.peer,
        "",
    )


def _data(record: Row[Any]) -> tuple[Any, ...]:
    imsi = _TEST_NETWORK + record.number.removeprefix("+")[-10:].zfill(10)
    cause = "normal_release" if record.final else "time_limit"
    volumes = (record.uplink_bytes, record.downlink_bytes)
    head = (
        iso(record.started),
        _seconds(record),
        record.number,
        imsi,
        "",
        record.plan,
        record.apn or "unknown",
        "",
        "",
    )
    return (*head, *volumes, cause, f"usage-{record.id}", int(record.id[-8:], 16), 1)


_LINES: dict[str, Callable[[Row[Any]], tuple[Any, ...]]] = {"call": _call, "sms": _sms, "data": _data}
