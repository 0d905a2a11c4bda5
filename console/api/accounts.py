"""Who belongs to a customer: contacts, and messages of people who turned out to be theirs. As the person, and audited."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from console.api.common import PROBLEMS, ROOT, changing
from console.api.models import AnyDocument, CustomerContact, MessageOwner
from console.errors import RequestError
from console.viewer import Viewer, services
from servicedesk.channels.linking import link
from servicedesk.channels.pipeline import Channels
from servicedesk.contacts import contact, keep_contact, remove_contact

router = APIRouter(prefix=ROOT, responses=PROBLEMS)
MayChange = Annotated[Viewer, changing("customer:read", "customer:index")]


@router.put("/customers/{key}/contacts", tags=["customers"], summary="add or change a further person of a customer")
def put_contact(request: Request, key: str, given: CustomerContact, viewer: MayChange) -> AnyDocument:
    """Who has the same address or number is changed. The answer has all contacts; the account's history says who did it."""
    try:
        person = contact(given.model_dump())
    except ValueError as error:
        raise RequestError(f"the contact {error}") from None
    made = services(request)
    after = keep_contact(viewer.store, key, person, by=viewer.username, clock=made.clock)
    made.audit.note(viewer.username, "contact kept", key)
    return AnyDocument.with_id(key, {"contacts": after.contacts})


@router.delete("/customers/{key}/contacts/{reach}", tags=["customers"], summary="take away who is reached by this")
def delete_contact(request: Request, key: str, viewer: MayChange, reach: str = Path(max_length=200)) -> AnyDocument:
    """`reach`: an e-mail address or a number."""
    made = services(request)
    after = remove_contact(viewer.store, key, reach, by=viewer.username, clock=made.clock)
    made.audit.note(viewer.username, "contact removed", key)
    return AnyDocument.with_id(key, {"contacts": after.contacts})


@router.post("/messages/{key}/customer", tags=["customers"], summary="say which customer a message is of")
def link_message(
    request: Request,
    key: str,
    given: MessageOwner,
    viewer: Annotated[
        Viewer,
        changing(
            "customer:read",
            "customer:index",
            "subscriber:read",
            "interaction:read",
            "interaction:index",
            "ticket:index",
        ),
    ],
) -> AnyDocument:
    """All that the sender said becomes the customer's, and the address or number a contact; `linked` says how much."""
    made = services(request)
    linked = link(Channels(viewer.store, made.clock), key, given.customer, by=viewer.username)
    made.audit.note(viewer.username, "message linked", key, customer=given.customer)
    return AnyDocument.with_id(key, {"customer": given.customer, "linked": linked})
