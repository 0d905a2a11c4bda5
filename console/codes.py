"""Words that documents hold as codes (states, severities, kinds, what was done), as people read them. Names and ids are none."""

from __future__ import annotations

from console.marking import marked as _

_SPOKEN = (
    # states and statuses: tickets, alerts, incidents, anomalies, files, rejects, feeds, notifications, customers, points
    *(_("new"), _("open"), _("pending"), _("resolved"), _("closed"), _("cancelled"), _("rejected"), _("merged")),
    *(_("waiting customer"), _("waiting supplier"), _("firing"), _("no data"), _("withdrawn"), _("suspended")),
    *(_("recycled"), _("discarded"), _("learning"), _("on time"), _("late"), _("retired"), _("expired"), _("sent")),
    *(_("failed"), _("sending"), _("received"), _("filed"), _("ignored"), _("bounced"), _("refused"), _("ringing")),
    *(_("active"), _("ended"), _("ok"), _("at risk"), _("breached"), _("frozen"), _("met"), _("paid"), _("overdue")),
    *(_("disputed"), _("void"), _("insufficient data"), _("not measurable"), _("true"), _("false"), _("expected")),
    # severities, priorities, impact, direction
    *(_("critical"), _("major"), _("minor"), _("warning"), _("high"), _("medium"), _("low"), _("extensive")),
    *(_("significant"), _("moderate"), _("none"), _("below"), _("above"), _("both")),
    # kinds, categories, channels, relations
    *(_("consumer"), _("business"), _("network"), _("customer"), _("billing"), _("mobile"), _("thing"), _("trunk")),
    *(_("broadband"), _("enterprise"), _("silence"), _("missing"), _("repeated"), _("first response"), _("update")),
    *(_("solution"), _("alert"), _("agent"), _("rule"), _("phone"), _("email"), _("chat"), _("social"), _("web")),
    *(_("voice"), _("survey"), _("related"), _("blocks"), _("blocked by"), _("duplicates"), _("duplicated by")),
    *(_("invoice"), _("payment"), _("credit"), _("refund"), _("manual"), _("formula"), _("store"), _("good")),
    *(
        _("bad"),
        _("poor"),
        _("user"),
        _("unknown"),
        _("success"),
        _("green"),
        _("yellow"),
        _("red"),
        _("failure"),
        _("logging"),
        _("notify"),
        _("ticket"),
        _("webhook"),
        _("index"),
    ),
    # what was done to a ticket, an alert, a customer
    *(_("created"), _("state"), _("status"), _("assignee"), _("priority"), _("impact"), _("comment"), _("tags")),
    *(_("parent"), _("link"), _("split"), _("attachment"), _("escalation"), _("acknowledged"), _("notified")),
    *(_("revised"), _("silenced"), _("inhibited"), _("unmuted"), _("opened"), _("changed"), _("consent")),
)
CODES = {words.replace(" ", "_"): words for words in _SPOKEN}
"""Code in a document → message."""
CODED = (".status", ".state", ".severity", ".priority", ".category", ".kind", ".channel", ".direction", ".impact")
"""Ends of the names of fields that hold codes."""


UNITS = frozenset(
    (
        *(_("call"), _("calls"), _("message"), _("messages"), _("session"), _("sessions"), _("leg"), _("legs")),
        *(_("sample"), _("samples"), _("record"), _("records"), _("file"), _("files"), _("byte"), _("bytes")),
        *(_("second"), _("seconds"), _("minute"), _("minutes"), _("hour"), _("hours"), _("day"), _("days")),
        *(_("kB"), _("MB"), _("GB"), _("TB"), _("ms"), _("s")),
    )
)
"""What stands behind a number in a sentence."""
ENTITIES = {
    "trunk_group": _("trunk group"),
    "trunk_group_in": _("incoming trunk group"),
    "release_cause": _("release cause"),
    "destination": _("destination"),
    "cause_for_closing": _("cause for closing"),
    "sbc": "SBC",
    "plan": _("plan"),
    "call_type": _("call type"),
    "smsc": "SMSC",
    "apn": "APN",
    "pgw": "P-GW",
    "rat": _("radio access"),
    "feed": _("feed"),
    "service": _("service"),
    "cell": _("cell"),
}
"""Kind of an entity → message."""


SPOKEN = frozenset(
    {
        *("anomaly.reason", "incident.title", "incident.reason", "alert.summary", "alert.reason", "gap.reason"),
        *("watch.reason", "ticket.title", "ticket.body"),
    }
)
"""Fields with sentences that our jobs write in English, and people in their own words."""


def spoken(field: str) -> bool:
    """Whether a column of that name holds sentences of ours."""
    return field in SPOKEN


def coded(field: str) -> bool:
    """Whether a column of that name holds codes: a field, or a name that a query gives (`severity`, `state`)."""
    return field.endswith((*CODED, ".urgency", ".origin")) or f".{field}" in CODED
