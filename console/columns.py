"""What stands above a column of a panel: the word of its field, or what its query calls it, with its unit."""

from __future__ import annotations

import re

from console.i18n import Words
from console.marking import marked as _
from console.nouns import NOUNS
from dashboards import Definitions
from dashboards.kinds import KINDS
from dashboards.model import Panel

_UNIT = re.compile(r"(.+) \((.+)\)")
_FIELDS = {
    "alert.silenced": _("Silenced"),
    "anomaly.detector": _("Detector"),
    "baseline.set": _("Set"),
    "cdr.layout": _("Layout"),
    "entity.type": _("Kind of entity"),
    "customer.address": _("Address"),
    "customer.consents": _("Consents"),
    "customer.email": _("E-mail"),
    "customer.language": _("Language"),
    "customer.name": _("Name"),
    "customer.phone": _("Phone"),
    "customer.reach": _("Reached at"),
    "customer.sla": _("Service level"),
    "customer.source": _("Source"),
    "customer.status": _("Status"),
    "customer.trunk_groups": _("Trunk groups"),
    "epc.apn": "APN",
    "epc.cause_for_closing": _("Cause for closing"),
    "epc.rat": _("Radio access"),
    "feed.name": _("Feed"),
    "feed.state": _("State"),
    "file.source": _("Source"),
    "gap.kind": _("Kind"),
    "gap.reason": _("Reason"),
    "gap.status": _("Status"),
    "job.name": _("Job"),
    "kpi.state": _("State"),
    "notification.kind": _("Kind"),
    "notification.status": _("Status"),
    "service.name": _("Service"),
    "sms.result": _("Result"),
    "ticket.category": _("Category"),
    "ticket.resolved": _("Resolved"),
}
FIELDS = {field: heading for noun in NOUNS.values() for field, heading in noun.columns} | _FIELDS
"""Heading of a field, wherever it is a column."""


def names_of(panel: Panel) -> set[str]:
    """Columns of a panel's answer whose names people see: of a table all, of a chart those of its values."""
    family = KINDS[panel.kind].family
    if family == "table":
        return {*panel.values, *([panel.extra["split"]] if "split" in panel.extra else [])}
    return set(panel.values) if family == "xy" else set()


def messages_of(definitions: Definitions) -> set[str]:
    """What the columns of all panels are made of, for the catalogues."""
    names = {name for board in definitions.boards for panel in board.panels for name in names_of(panel)}
    return {part for name in names for part in _parts(name)} | set(FIELDS.values())


def heading(name: str, words: Words) -> str:
    """`alert.status` → `Status`; `lasted (min)` → `Dauerte (min)`."""
    parts = _parts(name)
    said = [words.text(part) for part in parts]
    first = said[0][:1].upper() + said[0][1:]
    return first if len(said) == 1 else f"{first} ({said[1]})"


def _parts(name: str) -> tuple[str, ...]:
    if name in FIELDS:
        return (FIELDS[name],)
    found = _UNIT.fullmatch(name)
    return (found[1], found[2]) if found else (name,)
