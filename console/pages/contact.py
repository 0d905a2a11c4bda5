"""What a ticket has from and for the customer: the conversation, an answer by the channel they used, and files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from console.pages.actions import MOST_TEXT, text
from console.transfers import download, upload
from console.viewer import Posted, Viewer, allowed, services
from servicedesk.channels.message import SURVEY, VOICE
from servicedesk.channels.pipeline import Channels

router = APIRouter()
FILE_NEEDS = ("attachment:read", "attachment:index")
TALK_NEEDS = ("interaction:read", "interaction:index")
_MESSAGES = 50  # shown, the newest ones
MayRead = Annotated[Viewer, Depends(allowed("ticket:read", "attachment:read"))]
MayAttach = Annotated[Viewer, Depends(allowed("ticket:read", "ticket:index", *FILE_NEEDS))]
MayAnswer = Annotated[Viewer, Depends(allowed("ticket:read", "ticket:index", *TALK_NEEDS))]


@dataclass(frozen=True, slots=True)
class Talk:
    """`channel`: by which an answer would go; "" where none can. `shown`: whether the viewer may see any of it."""

    shown: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)
    channel: str = ""


def talk_of(viewer: Viewer, ticket: str) -> Talk:
    """What was said, oldest first, as far as the viewer may read it."""
    if not viewer.may("interaction:read"):
        return Talk()
    found = Channels(viewer.store).book.list(ticket=ticket, limit=_MESSAGES, refreshed=viewer.may("interaction:index"))
    last = next((each["interaction"] for each in found if each["interaction"]["direction"] == "inbound"), None)
    answers = last is not None and last["channel"] not in (SURVEY, VOICE) and viewer.may("interaction:index")
    return Talk(True, found[::-1], last["channel"] if last and answers else "")


@router.post("/tickets/{key}/reply")
def reply(request: Request, key: str, viewer: MayAnswer, form: Posted) -> Response:
    """An answer to the customer, by the channel they wrote by; sent twice, it goes once."""
    answered(request, viewer, key, text(form, "reply", MOST_TEXT))
    return RedirectResponse(f"/tickets/{quote(key)}", 303)


def answered(request: Request, viewer: Viewer, key: str, words: str) -> str:
    """The id of the interaction. Raises UserError when nobody wrote, or by a channel that takes no answers."""
    made = services(request)
    sent = Channels(viewer.store, made.clock).reply(key, words, by=viewer.username)
    made.audit.note(viewer.username, "customer answered", key, interaction=sent)
    return sent


@router.post("/tickets/{key}/files")
async def attached(request: Request, key: str, viewer: MayAttach, form: Posted) -> Response:
    await upload(request, viewer, key)
    return RedirectResponse(f"/tickets/{quote(key)}", 303)


@router.get("/tickets/{key}/files/{file}")
async def file(request: Request, key: str, file: str, viewer: MayRead) -> Response:
    return await download(request, viewer, key, file)
