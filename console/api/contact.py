"""What a ticket has from and for the customer: messages, answers, files. Changes are made as the person, and audited."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from console.api.common import PROBLEMS, ROOT, changing
from console.api.models import AnyDocument, TicketText
from console.nouns import NOUNS, one
from console.pages.contact import FILE_NEEDS, TALK_NEEDS, answered, talk_of
from console.transfers import FIELD, download, upload
from console.viewer import Viewer, allowed
from servicedesk import Ticket

router = APIRouter(prefix=ROOT, responses=PROBLEMS)
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.get("/tickets/{key}/attachments", tags=["tickets"], summary="files of a ticket, oldest first")
def attachments(
    key: str, viewer: Annotated[Viewer, Depends(allowed("ticket:read", "attachment:read"))]
) -> list[AnyDocument]:
    return [AnyDocument(**each) for each in Ticket.of(one(viewer.store, NOUNS["tickets"], key)).attachments]


@router.post(
    "/tickets/{key}/attachments", status_code=201, tags=["tickets"], summary="attach a file", openapi_extra=_FORM
)
async def attach(
    request: Request,
    key: str,
    viewer: Annotated[Viewer, changing("ticket:read", "ticket:index", *FILE_NEEDS)],
) -> AnyDocument:
    """Its kind is told by its content; the setting desk.attachment.mib says how large. The same file again is the same one."""
    return AnyDocument.of(await upload(request, viewer, key))


@router.get("/tickets/{key}/attachments/{file}", tags=["tickets"], summary="a file's content, to be saved")
async def content(
    request: Request,
    key: str,
    file: str,
    viewer: Annotated[Viewer, Depends(allowed("ticket:read", "attachment:read"))],
) -> Response:
    return await download(request, viewer, key, file)


@router.get("/tickets/{key}/messages", tags=["tickets"], summary="what customer and desk wrote, oldest first")
def messages(
    key: str, viewer: Annotated[Viewer, Depends(allowed("ticket:read", "interaction:read"))]
) -> list[AnyDocument]:
    return [AnyDocument(**each) for each in talk_of(viewer, key).messages]


@router.post(
    "/tickets/{key}/messages", status_code=201, tags=["tickets"], summary="answer the customer by the channel they used"
)
def answer(
    request: Request,
    key: str,
    given: TicketText,
    viewer: Annotated[Viewer, changing("ticket:read", "ticket:index", *TALK_NEEDS)],
) -> AnyDocument:
    """The same text by the same person to the same message goes once. It is a comment of the ticket too."""
    return AnyDocument.with_id(answered(request, viewer, key, given.text), {})
