"""The service desk: tickets, private notes, who works there, diagnosis. Changes are made as the person, guarded, and audited."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from console.api.common import PROBLEMS, ROOT, changing
from console.api.models import (
    AgentChange,
    AnyDocument,
    CustomerChange,
    NewCustomer,
    NewTicket,
    TicketChange,
    TicketLink,
    TicketMerge,
    TicketPart,
    TicketText,
)
from console.errors import RequestError
from console.pages.actions import moved, noted_privately, opened
from console.pages.customers import diagnosis_of
from console.viewer import Viewer, allowed, services
from contracts.errors import ConflictError
from servicedesk import Ticket, TicketDesk, relations
from servicedesk.accounts import change_account, open_account
from servicedesk.agents import Agent, agents, keep_agent
from servicedesk.notes import notes_of
from servicedesk.profiles import Customer

router = APIRouter(prefix=ROOT, responses=PROBLEMS)
MayWrite = Annotated[Viewer, changing("ticket:read", "ticket:index")]


@router.post("/tickets", status_code=201, tags=["tickets"], summary="open a ticket")
def open_ticket(request: Request, given: NewTicket, viewer: MayWrite) -> AnyDocument:
    return AnyDocument.of(opened(request, viewer, given.model_dump()))


@router.patch("/tickets/{key}", tags=["tickets"], summary="give, move, tag, prioritise or comment a ticket")
def change_ticket(request: Request, key: str, given: TicketChange, viewer: MayWrite) -> AnyDocument:
    """Each part is a change of its own, made in this order: assignee, priority, tags, parent, state or comment."""
    made, by = services(request), viewer.username
    desk = TicketDesk(viewer.store, made.clock)
    _check_revision(desk.get(key), given.revision)
    if given.assignee:
        desk.assign(key, given.assignee, by=by)
        made.audit.note(by, f"ticket assigned to {given.assignee}", key)
    if given.impact or given.urgency:
        desk.prioritise(key, given.impact, given.urgency, by=by)
        made.audit.note(by, f"ticket of impact {given.impact}, urgency {given.urgency}", key)
    if given.add_tags or given.remove_tags:
        desk.tag(key, given.add_tags, given.remove_tags, by=by)
        made.audit.note(by, "ticket tagged", key)
    if given.parent is not None:
        relations.set_parent(desk, key, given.parent, by=by)
        made.audit.note(by, "ticket has another parent", key, parent=given.parent)
    if given.state:
        moved(request, viewer, key, given.state, given.comment)
    elif given.comment:
        desk.comment(key, given.comment, by=by)
        made.audit.note(by, "ticket commented", key)
    return AnyDocument.of(desk.get(key))


def _check_revision(ticket: Ticket, revision: int | None) -> None:
    if revision is not None and revision != ticket.revision:
        last = ticket.history[-1]
        raise ConflictError(
            f"{last['by']} changed it at {last['at']} ({last['what']})",
            where=ticket.id,
            remedy="read the ticket again and decide anew; nothing was changed",
        )


@router.post("/tickets/{key}/merge", tags=["tickets"], summary="end a ticket in favour of another one")
def merge_ticket(request: Request, key: str, given: TicketMerge, viewer: MayWrite) -> AnyDocument:
    """The answer is the one that goes on."""
    made = services(request)
    ticket = relations.merge(TicketDesk(viewer.store, made.clock), key, given.into, by=viewer.username)
    made.audit.note(viewer.username, "ticket merged", key, into=ticket.id)
    return AnyDocument.of(ticket)


@router.post("/tickets/{key}/links", tags=["tickets"], summary="note that two tickets belong together")
def link_ticket(request: Request, key: str, given: TicketLink, viewer: MayWrite) -> AnyDocument:
    made = services(request)
    desk = TicketDesk(viewer.store, made.clock)
    ticket = relations.link(desk, key, given.relation, given.other, by=viewer.username)
    made.audit.note(viewer.username, "ticket linked", key, relation=given.relation, other=given.other)
    return AnyDocument.of(ticket)


@router.post(
    "/tickets/{key}/parts", status_code=201, tags=["tickets"], summary="open a ticket about a part of this one"
)
def split_ticket(request: Request, key: str, given: TicketPart, viewer: MayWrite) -> AnyDocument:
    """The same title again is the same ticket."""
    made = services(request)
    desk = TicketDesk(viewer.store, made.clock)
    part = relations.split(desk, key, title=given.title, body=given.body, by=viewer.username)
    made.audit.note(viewer.username, "ticket split", key, part=part.id)
    return AnyDocument.of(part)


@router.get("/tickets/{key}/notes", tags=["tickets"], summary="private notes, oldest first")
def notes(
    key: str, viewer: Annotated[Viewer, Depends(allowed("ticket:read", "ticket-note:read"))]
) -> list[AnyDocument]:
    return [AnyDocument.of(each) for each in notes_of(viewer.store, key)]


@router.post("/tickets/{key}/notes", status_code=201, tags=["tickets"], summary="keep a private note")
def add_note(
    request: Request,
    key: str,
    given: TicketText,
    viewer: Annotated[Viewer, changing("ticket:read", "ticket-note:read", "ticket-note:index")],
) -> AnyDocument:
    return AnyDocument.of(noted_privately(request, viewer, key, given.text))


@router.get("/agents", tags=["agents"], summary="who works at the desk: skills, languages, shift")
def list_agents(viewer: Annotated[Viewer, Depends(allowed("agent:read", "agent:maintenance"))]) -> list[AnyDocument]:
    return [AnyDocument.of(each) for each in agents(viewer.store)]


@router.put("/agents/{name}", tags=["agents"], summary="add or change an agent; away: gets nothing assigned")
def change_agent(
    request: Request,
    given: AgentChange,
    viewer: Annotated[Viewer, changing("agent:read", "agent:index")],
    name: str = Path(max_length=64),
) -> AnyDocument:
    if not name.strip() or not name.isprintable():
        raise RequestError("name: is no user name")
    lists = {"skills": tuple(given.skills), "languages": tuple(given.languages)}
    kept = keep_agent(viewer.store, Agent(name, **{**given.model_dump(), **lists}))
    services(request).audit.note(viewer.username, "agent kept", name, away=given.away)
    return AnyDocument.of(kept)


@router.get("/customers/{key}/diagnosis", tags=["customers"], summary="what is wrong, and what to do")
def diagnosis(request: Request, key: str, viewer: Annotated[Viewer, Depends(allowed("customer:read"))]) -> AnyDocument:
    """`key`: customer id, number or e-mail address. What the asker may not read is named in `missing`."""
    return AnyDocument(**diagnosis_of(request, viewer, key).as_dict())


@router.post("/customers", status_code=201, tags=["customers"], summary="open an account")
def open_customer(
    request: Request, given: NewCustomer, viewer: Annotated[Viewer, changing("customer:read", "customer:index")]
) -> AnyDocument:
    """Numbers come with the subscriptions that a sync brings. An id that is there already is a conflict, not a change."""
    made = services(request)
    opened_ = open_account(viewer.store, given.id, given.values, by=viewer.username, clock=made.clock)
    made.audit.note(viewer.username, "customer opened", given.id, columns=sorted(given.values))
    return _shown(opened_)


@router.patch("/customers/{key}", tags=["customers"], summary="change an account; every change is in its history")
def change_customer(
    request: Request,
    key: str,
    given: CustomerChange,
    viewer: Annotated[Viewer, changing("customer:read", "customer:index")],
) -> AnyDocument:
    said = {"give": given.consents_given, "withdraw": given.consents_withdrawn}
    return _changed(request, viewer, key, given.values, "customer changed", said)


@router.delete("/customers/{key}", tags=["customers"], summary="end an account; it stays on record")
def end_customer(
    request: Request, key: str, viewer: Annotated[Viewer, changing("customer:read", "customer:index")]
) -> AnyDocument:
    return _changed(request, viewer, key, {"status": "ended"}, "customer ended", {})


def _changed(
    request: Request, viewer: Viewer, key: str, values: dict[str, str], what: str, consents: dict[str, list[str]]
) -> AnyDocument:
    """The audit trail has the names of what was changed; the values are personal, and in the account's own history."""
    made = services(request)
    after = change_account(viewer.store, key, values, by=viewer.username, clock=made.clock, **consents)
    made.audit.note(viewer.username, what, key, columns=sorted(values), **consents)
    return _shown(after)


def _shown(customer: Customer) -> AnyDocument:
    shown = asdict(customer)
    del shown["keys"]
    return AnyDocument(**shown)
