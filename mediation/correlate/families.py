"""What is correlated: where the records are, which fields say what they belong to, who puts them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.indices import CDR_INDEX, CORRELATED_INDEX
from mediation.correlate.calls import calls
from mediation.correlate.records import CdrRecord, Key, Made, Window
from mediation.correlate.sessions import sessions


@dataclass(frozen=True, slots=True)
class Family:
    """`key`: fields that identify a call or session (records without them have none), the most selective one last.

    `alone`: records that make a document even when they are the only ones of their key, as a query and in ES|QL.
    """

    name: str
    source: str
    target: str
    key: tuple[str, ...]
    alone: tuple[dict[str, Any], str]
    make: Callable[[Key, Sequence[CdrRecord], Window], list[Made]]


_INVITE = [{"term": {"cdr.kind": "event"}}, {"term": {"cdr.event": "INVITE"}}]
_PARTIAL = [{"bool": {"must_not": {"term": {"epc.final": True}}}}, {"range": {"epc.record_sequence": {"gt": 1}}}]
FAMILIES = (
    Family(
        "voip",
        CDR_INDEX["voip"],
        CORRELATED_INDEX["voip"],
        ("voip.call_id",),
        ({"bool": {"filter": _INVITE}}, 'cdr.kind == "event" AND cdr.event == "INVITE"'),
        calls,
    ),
    Family(
        "epc",
        CDR_INDEX["epc"],
        CORRELATED_INDEX["epc"],
        ("epc.pgw.address", "epc.charging_id"),
        ({"bool": {"should": _PARTIAL}}, "epc.final IS NULL OR epc.final == false OR epc.record_sequence > 1"),
        sessions,
    ),
)
