"""Every stored field, declared once: name, Elasticsearch type, meaning. Mappings, docs and checks are made from this.

Times are UTC. Ratios are 0–1. The unit is the last part of a name (`.ms`, `.sec`, `.bytes`, `.ratio`).
Names of the Elastic Common Schema come first, then our own under `voip`, `mobile`, `sms`, `epc`, `cdr`, `kpi` and so on.
"""

from contracts.fields.alerting import ALERT, NOTIFICATION, SILENCE, WATCH, WATCH_RUN
from contracts.fields.base import ENTITY, EVENT, FINDING, SERVICE, SOURCE_FILE, Field
from contracts.fields.books import FEED, FILE, GAP, REJECT
from contracts.fields.contact import INTERACTION
from contracts.fields.desk import (
    AGENT,
    ATTACHMENT,
    BILLING,
    CUSTOMER,
    SUBSCRIBER_INDEX,
    SUBSCRIPTION,
    TICKET,
    TICKET_NOTE,
)
from contracts.fields.detection import ANOMALY, BASELINE, FEEDBACK, INCIDENT, STATE
from contracts.fields.jobs import AUDIT, CONSOLE_SESSION, JOB, PROFILE
from contracts.fields.kpi import KPI, KPI_CORRECTION, KPI_DEFINITION
from contracts.fields.records import CALL, CDR, CORRELATED, EPC, MOBILE_VOICE, PEER, SESSION, SMS, SUBSCRIBER, VOIP

__all__ = [
    "AGENT",
    "ALERT",
    "ANOMALY",
    "ATTACHMENT",
    "AUDIT",
    "BASELINE",
    "BILLING",
    "CALL",
    "CDR",
    "CONSOLE_SESSION",
    "CORRELATED",
    "CUSTOMER",
    "ENTITY",
    "EPC",
    "EVENT",
    "FEED",
    "FEEDBACK",
    "FILE",
    "FINDING",
    "GAP",
    "INCIDENT",
    "INTERACTION",
    "JOB",
    "KPI",
    "KPI_CORRECTION",
    "KPI_DEFINITION",
    "MOBILE_VOICE",
    "NOTIFICATION",
    "PEER",
    "PROFILE",
    "REJECT",
    "SERVICE",
    "SESSION",
    "SILENCE",
    "SMS",
    "SOURCE_FILE",
    "STATE",
    "SUBSCRIBER",
    "SUBSCRIBER_INDEX",
    "SUBSCRIPTION",
    "TICKET",
    "TICKET_NOTE",
    "VOIP",
    "WATCH",
    "WATCH_RUN",
    "Field",
]
