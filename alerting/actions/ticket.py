"""`ticket`: opens a ticket when the alert fires and has it resolved when the alert resolves, through the port."""

from __future__ import annotations

from alerting.alert import RESOLVED, Notice, Outcome, Status
from alerting.ports import TicketOpener, TicketRequest
from alerting.severity import severity_number
from alerting.template import render


class TicketAction:
    def __init__(self, opener: TicketOpener | None) -> None:
        self._opener = opener

    def destination(self, notice: Notice) -> str:
        return ""

    def perform(self, notice: Notice) -> Outcome:
        request = _request(notice)
        if self._opener is None:
            return Outcome(Status.FAILED, "no service desk is connected", request.title)
        if notice.event == RESOLVED:
            ticket = self._opener.resolve_for_alert(request)
            return Outcome(Status.SENT, f"told {ticket}" if ticket else "there is no ticket", notice.why, ticket)
        ticket = self._opener.open_for_alert(request)
        return Outcome(Status.SENT, f"ticket {ticket}", request.title, ticket)


def _request(notice: Notice) -> TicketRequest:
    return TicketRequest(
        notification=notice.id,
        alert=notice.alert_id,
        fingerprint=notice.fingerprint,
        watch=notice.watch,
        severity=severity_number(notice.severity),
        title=" ".join(render(notice.config["title"], notice.context).split()),
        body=render(notice.config["body"], notice.context),
        category=notice.config.get("category", "network"),
        incident=notice.incident,
        starts_at=notice.starts_at,
        at=notice.at,
        why=notice.why,
        again=notice.again,
    )
