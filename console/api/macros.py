"""Several changes of a ticket in one step, and a ticket in the words of the TM Forum."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from console.api.common import PROBLEMS, ROOT, changing
from console.api.models import AnyDocument, TicketMacro
from console.nouns import NOUNS, one
from console.viewer import Viewer, allowed, services
from servicedesk import Ticket, TicketDesk
from servicedesk.macros import apply_macro, macros_of
from servicedesk.states import states_of
from servicedesk.tmf621 import resource

router = APIRouter(prefix=ROOT, responses=PROBLEMS)


@router.get("/macros", tags=["tickets"], summary="several changes of a ticket in one step")
def macros(viewer: Annotated[Viewer, Depends(allowed("ticket:read", "ticket:index"))]) -> list[AnyDocument]:
    return [AnyDocument.with_id(name, asdict(each)) for name, each in macros_of(viewer.store.settings).items()]


@router.post("/tickets/{key}/macros", tags=["tickets"], summary="make the changes of a macro, all of them or none")
def run_macro(
    request: Request, key: str, given: TicketMacro, viewer: Annotated[Viewer, changing("ticket:read", "ticket:index")]
) -> AnyDocument:
    made = services(request)
    after = apply_macro(TicketDesk(viewer.store, made.clock), key, given.name, by=viewer.username)
    made.audit.note(viewer.username, f"macro {given.name}", key)
    return AnyDocument.of(after)


@router.get("/tickets/{key}/tmf621", tags=["tickets"], summary="as a TroubleTicket of the TM Forum's API")
def tmf621(key: str, viewer: Annotated[Viewer, Depends(allowed("ticket:read"))]) -> AnyDocument:
    ticket = Ticket.of(one(viewer.store, NOUNS["tickets"], key))
    return AnyDocument(**resource(ticket, states_of(viewer.store.settings)))
