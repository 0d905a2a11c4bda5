"""Every index, declared once: name (an alias), fields, whether it grows by period, and who makes its documents.

A growing index `cdr-voip` is written as partitions `cdr-voip-2026.11`, named by the record's own time; a fixed one is
the index `ticket-1` behind the alias `ticket`. Always read through the alias.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import NamedTuple

from contracts import fields as f
from contracts.clock import PERIODS, period_of
from contracts.errors import InternalError


class Index(NamedTuple):
    """`grows`: partitioned by period. `least`: its partitions are never shorter than this.

    Indices that grow slowly have partitions of a year at least: six years of monthly partitions of everything would
    come close to the 1,000 shards that a node holds.
    """

    name: str
    fields: tuple[f.Field, ...]
    grows: bool
    meaning: str
    least: str = PERIODS[0]


ALL: tuple[Index, ...] = (
    Index("cdr-voip", f.VOIP, True, "VoIP call detail records"),
    Index("cdr-mobile-voice", f.MOBILE_VOICE, True, "mobile voice records (MOC, MTC)"),
    Index("cdr-sms", f.SMS, True, "SMS records"),
    Index("cdr-epc", f.EPC, True, "packet data records"),
    Index("call-voip", f.CALL, True, "VoIP calls: legs and quality reports of one call id put together"),
    Index("session-epc", f.SESSION, True, "data sessions: partial records of one charging id put together"),
    Index("cdr-reject", f.REJECT, False, "suspended lines"),
    Index("cdr-file", f.FILE, False, "books of the files"),
    Index("cdr-source", f.FEED, False, "who delivers files, how often, and whether it is late"),
    Index("cdr-gap", f.GAP, False, "files that are late, missing, or numbered twice"),
    Index("kpi-5m", f.KPI, True, "KPI points per 5 minutes"),
    Index("kpi-1h", f.KPI, True, "KPI points per hour", "year"),
    Index("kpi-1d", f.KPI, True, "KPI points per day", "year"),
    Index(
        "kpi-definition", f.KPI_DEFINITION, False, "KPIs that people define, and what they lay over the shipped ones"
    ),
    Index("kpi-correction", f.KPI_CORRECTION, False, "values that people entered and corrected; append only"),
    Index("baseline", f.BASELINE, False, "expected value and spread per KPI, entity and hour of week"),
    Index("anomaly", f.ANOMALY, False, "deviations with a reason"),
    Index("feedback", f.FEEDBACK, False, "what people said of anomalies, and how long others like them are quiet"),
    Index("incident", f.INCIDENT, False, "anomalies of one cause"),
    Index("service-state", f.STATE, True, "cumulative state per service", "year"),
    Index("alert", f.ALERT, False, "alerts and their life"),
    Index("silence", f.SILENCE, False, "alerts that nobody is to be told of, for a while"),
    Index("notification", f.NOTIFICATION, False, "what was told to whom"),
    Index("watch", f.WATCH, False, "how every watch stands, and which are switched off"),
    Index(
        "watch-run", f.WATCH_RUN, True, "runs of the watches, how late they were, and changes of their states", "year"
    ),
    Index("ticket", f.TICKET, False, "trouble tickets"),
    Index("ticket-note", f.TICKET_NOTE, False, "private notes on tickets, for the desk only"),
    Index("attachment", f.ATTACHMENT, False, "files of tickets, in pieces"),
    Index("agent", f.AGENT, False, "who works at the desk: skills, languages, shift"),
    Index("interaction", f.INTERACTION, False, "what customers and the desk said to each other, on every channel"),
    Index("customer", f.CUSTOMER, False, "customers"),
    Index("subscription", f.SUBSCRIPTION, False, "what customers have: numbers, trunks, lines, services"),
    Index("billing", f.BILLING, False, "invoices, payments, credits and refunds"),
    Index("subscriber", f.SUBSCRIBER_INDEX, False, "keyed hash to number; few may read it"),
    Index("job", f.JOB, False, "checkpoints of the jobs"),
    Index("profile", f.PROFILE, False, "staff's own choices in the console: language, time zone, notifications"),
    Index("console-session", f.CONSOLE_SESSION, False, "who is signed in to the console, by the hash of their cookie"),
    Index("audit", f.AUDIT, True, "who did what; append only", "year"),
)
BY_NAME = {index.name: index for index in ALL}
CDR_INDEX = {"voip": "cdr-voip", "mobile-voice": "cdr-mobile-voice", "sms": "cdr-sms", "epc": "cdr-epc"}
CORRELATED_INDEX = {"voip": "call-voip", "epc": "session-epc"}
KPI_INDEX = {300: "kpi-5m", 3600: "kpi-1h", 86400: "kpi-1d"}


def partition(name: str, moment: datetime, period: str) -> str:
    """Concrete index that holds a document of growing index `name` with record time `moment`."""
    return f"{name}-{period_of(moment, _longer(name, period))}"


@cache  # asked for every record
def _longer(name: str, period: str) -> str:
    return max(period, BY_NAME[name].least, key=PERIODS.index)


def concrete(name: str) -> str:
    """Concrete index behind the alias of a fixed index."""
    index = BY_NAME.get(name)
    if index is None or index.grows:
        raise InternalError(f"{name} is not a fixed index")
    return f"{name}-1"
