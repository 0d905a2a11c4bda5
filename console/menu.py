"""The pages of the menu, and the right that each wants."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from console.marking import marked as _
from console.viewer import MENU_FRESH, Viewer


class Entry(NamedTuple):
    path: str
    label: str
    need: str


MENU = (
    Entry("/", _("Overview"), ""),
    Entry("/dashboards", _("Dashboards"), ""),
    Entry("/incidents", _("Incidents"), "incident:read"),
    Entry("/anomalies", _("Anomalies"), "anomaly:read"),
    Entry("/alerts", _("Alerts"), "alert:read"),
    Entry("/tickets", _("Tickets"), "ticket:read"),
    Entry("/customers", _("Customers"), "customer:read"),
    Entry("/files", _("Files"), "cdr-file:read"),
    Entry("/rejects", _("Rejects"), "cdr-reject:read"),
    Entry("/health", _("Health"), "cluster:monitor"),
    Entry("/users", _("Users"), "cluster:manage_security"),
    Entry("/audit", _("Audit trail"), "audit:read"),
)


def stale_needs(viewer: Viewer, now: datetime) -> list[str]:
    """Rights that the menu has to ask for again. Kept for a minute: a menu grants nothing, each page asks anew."""
    session = viewer.session
    if session is None:
        return []
    wanted = [entry.need for entry in MENU if entry.need]
    return [need for need in wanted if need not in session.granted or now - session.granted[need][0] > MENU_FRESH]


def entries(viewer: Viewer, now: datetime) -> list[Entry]:
    """What the viewer may open."""
    session = viewer.session
    if session is None:
        return []
    stale = stale_needs(viewer, now)
    if stale:
        viewer.learn(stale)
        session.granted.update({need: (now, viewer.asked[need]) for need in stale})
    return [entry for entry in MENU if not entry.need or session.granted[entry.need][1]]
