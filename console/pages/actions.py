"""What people do: acknowledge an alert; open, comment, give and move a ticket. Each is written as the person, and audited."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from alerting import acknowledge, add_silence
from alerting.matchers import Matcher
from console.errors import RequestError
from console.nouns import NOUNS, one
from console.templating import page
from console.verdicts import judged
from console.viewer import Posted, Viewer, allowed, services
from contracts.clock import iso, parse_iso
from servicedesk import PRIORITIES, Ticket, TicketDesk
from servicedesk.notes import Note, add_note
from servicedesk.profiles import find_customer

router = APIRouter()
SILENCE_HOURS = (1, 2, 8, 24)
MOST_TITLE, MOST_TEXT, MOST_NAME = 200, 10_000, 64
MayAlert = Annotated[Viewer, Depends(allowed("alert:read", "alert:index"))]
MaySilence = Annotated[Viewer, Depends(allowed("alert:read", "silence:index", "silence:read"))]
MayJudge = Annotated[Viewer, Depends(allowed("anomaly:read", "feedback:read", "feedback:index"))]
MayNote = Annotated[Viewer, Depends(allowed("ticket:read", "ticket-note:read", "ticket-note:index"))]
MayTicket = Annotated[Viewer, Depends(allowed("ticket:read", "ticket:index"))]


@router.post("/alerts/{key}/acknowledge")
def acknowledged(request: Request, key: str, viewer: MayAlert, form: Posted) -> Response:
    made = services(request)
    acknowledge(viewer.store, key, by=viewer.username, why=text(form, "why", MOST_TITLE), clock=made.clock)
    made.audit.note(viewer.username, "alert acknowledged", key)
    return RedirectResponse(f"/alerts/{key}", 303)


@router.post("/alerts/{key}/silence")
def silenced(request: Request, key: str, viewer: MaySilence, form: Posted) -> Response:
    """Nobody is told of alerts with these labels for some hours. The alert shows it when the watches run next."""
    made = services(request)
    hours = text(form, "hours", 3)
    if hours not in map(str, SILENCE_HOURS):
        raise RequestError(f"hours: {hours!r} cannot be chosen", remedy=f"one of {', '.join(map(str, SILENCE_HOURS))}")
    alert = one(viewer.store, NOUNS["alerts"], key)["alert"]
    labels = {"alertname": alert["name"], **alert.get("labels", {})}
    matchers = [str(Matcher(name, "=", str(value))) for name, value in sorted(labels.items())]
    begins = made.clock().replace(second=0, microsecond=0)  # sent twice within a minute, it is one silence
    ends = begins + timedelta(hours=int(hours))
    why = text(form, "why", MOST_TITLE)
    added = add_silence(viewer.store, matchers, starts_at=begins, ends_at=ends, by=viewer.username, comment=why)
    made.audit.note(viewer.username, "silence added", added.id, matchers=matchers)
    return RedirectResponse(f"/alerts/{key}", 303)


@router.post("/anomalies/{key}/verdict")
def verdict(request: Request, key: str, viewer: MayJudge, form: Posted) -> Response:
    """What the anomaly was. `busyhour detect` heeds it from its next run on."""
    days = text(form, "days", 3)
    if not days.isdecimal():
        raise RequestError(f"days: {days!r} is no number of days")
    said = [text(form, name, MOST_NAME) for name in ("verdict", "scope")]
    why = text(form, "why", MOST_TITLE)
    judged(request, viewer, one(viewer.store, NOUNS["anomalies"], key), said[0], why, said[1], int(days))
    return RedirectResponse(f"/anomalies/{quote(key)}", 303)


@router.get("/ticket/new")
def new_ticket(
    request: Request, viewer: MayTicket, title: str = "", incident: str = "", customer: str = ""
) -> Response:
    given = {"title": title[:MOST_TITLE], "incident": incident[:MOST_NAME], "customer": customer[:MOST_NAME]}
    mark = new_mark(services(request).clock())
    return page(request, "ticket_new.html", viewer, given=given, priorities=PRIORITIES, mark=mark)


def new_mark(now: datetime) -> str:
    return f"{iso(now)}~{secrets.token_hex(8)}"


def _moment_of(mark: str, now: datetime) -> datetime:
    """When the form was made, where that is at most a day ago; else now."""
    try:
        made = parse_iso(mark.partition("~")[0])
    except ValueError:
        return now
    return made if now - timedelta(days=1) <= made <= now else now


@router.post("/tickets")
def open_ticket(request: Request, viewer: MayTicket, form: Posted) -> Response:
    """The form's own mark is the ticket's identity and moment: sent twice, it is one ticket."""
    ticket = opened(request, viewer, form)
    return RedirectResponse(f"/tickets/{ticket.id}", 303)


def _customer(viewer: Viewer, typed: str) -> str:
    """Id of the customer whose id, number or address was typed; as it was typed to who may not read customers."""
    if not typed or not viewer.may("customer:read"):
        return typed
    return find_customer(viewer.store, typed)[0].id


def opened(request: Request, viewer: Viewer, form: dict[str, Any]) -> Ticket:
    """From the fields of a form or of the API. Raises UserError."""
    made = services(request)
    mark = text(form, "mark", MOST_NAME) or new_mark(made.clock())
    now = _moment_of(mark, made.clock())
    customer = _customer(viewer, text(form, "customer", MOST_NAME).strip())
    ticket = TicketDesk(viewer.store, made.clock).create(
        "console",
        viewer.username,
        mark,
        title=text(form, "title", MOST_TITLE),
        body=text(form, "body", MOST_TEXT),
        priority=text(form, "priority", MOST_NAME),
        by=viewer.username,
        category="customer" if customer else "network",
        customers=[customer] if customer else [],
        impacted=1 if customer else 0,
        incident=text(form, "incident", MOST_NAME),
        at=now,
    )
    made.audit.note(viewer.username, "ticket opened", ticket.id)
    return ticket


@router.post("/tickets/{key}/comment")
def comment(request: Request, key: str, viewer: MayTicket, form: Posted) -> Response:
    made = services(request)
    TicketDesk(viewer.store, made.clock).comment(key, text(form, "comment", MOST_TEXT), by=viewer.username)
    made.audit.note(viewer.username, "ticket commented", key)
    return RedirectResponse(f"/tickets/{key}", 303)


@router.post("/tickets/{key}/note")
def note(request: Request, key: str, viewer: MayNote, form: Posted) -> Response:
    """What only the desk may read."""
    noted_privately(request, viewer, key, text(form, "note", MOST_TEXT))
    return RedirectResponse(f"/tickets/{key}", 303)


def noted_privately(request: Request, viewer: Viewer, key: str, words: str) -> Note:
    made = services(request)
    kept = add_note(viewer.store, key, words, by=viewer.username, clock=made.clock)
    made.audit.note(viewer.username, "private note", key)
    return kept


@router.post("/tickets/{key}/move")
def move(request: Request, key: str, viewer: MayTicket, form: Posted) -> Response:
    """Another state. Raises ConflictError when somebody else changed the ticket since it was shown."""
    moved(request, viewer, key, text(form, "to", MOST_NAME), text(form, "comment", MOST_TEXT), form.get("revision"))
    return RedirectResponse(f"/tickets/{key}", 303)


def moved(request: Request, viewer: Viewer, key: str, to: str, why: str, revision: Any = None) -> Ticket:
    made = services(request)
    desk = TicketDesk(viewer.store, made.clock)
    seen = desk.get(key)
    if revision is not None and str(revision) != str(seen.revision):
        last = seen.history[-1]
        raise RequestError(
            f"{last['by']} changed the ticket meanwhile ({last['what']})", remedy="read it again and decide anew"
        )
    ticket = desk.transition(key, to, by=viewer.username, comment=why, seen=seen)
    made.audit.note(viewer.username, f"ticket {to}", key)
    return ticket


@router.post("/tickets/{key}/assign")
def assign(request: Request, key: str, viewer: MayTicket, form: Posted) -> Response:
    made = services(request)
    to = text(form, "to", MOST_NAME) or viewer.username
    TicketDesk(viewer.store, made.clock).assign(key, to, by=viewer.username)
    made.audit.note(viewer.username, f"ticket assigned to {to}", key)
    return RedirectResponse(f"/tickets/{key}", 303)


def text(form: dict[str, Any], key: str, most: int) -> str:
    """A field of a form, trimmed. Raises RequestError when it is too long or no text."""
    value = form.get(key) or ""
    if not isinstance(value, str) or len(value) > most:
        raise RequestError(f"{key}: is no text of at most {most} characters")
    return value.strip()
