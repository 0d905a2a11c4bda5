"""Files of tickets on their way in and out: a few at once, so that memory stays bounded; to be saved, never to be shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, TypeVar
from urllib.parse import quote

from anyio.to_thread import run_sync
from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from console.errors import NotFound, RequestError
from console.viewer import Viewer, services
from servicedesk import TicketDesk
from servicedesk.attachments import MIB, Attachment, attach, read_attachment

UPLOAD = re.compile(r"/(?:tickets/[^/]+/files|api/v1/tickets/[^/]+/attachments)")
AT_ONCE = 4  # each takes a few times the size of its file
FIELD = "file"
_FORM_BYTES = 64 * 1024  # what a form has besides its file
T = TypeVar("T")


def most_bytes(mib: int) -> int:
    """Of a request that brings a file of at most `mib` MiB."""
    return mib * MIB + _FORM_BYTES


async def upload(request: Request, viewer: Viewer, key: str) -> Attachment:
    """Keeps the form's file with the ticket, as the viewer; audited. Raises RequestError without a file, else as `attach`."""
    try:
        form = await request.form(max_files=1, max_fields=4)
    except HTTPException as error:  # no form, or too many parts
        raise RequestError(f"{FIELD}: {error.detail}", remedy="send multipart/form-data with one file") from error
    try:
        given = form.get(FIELD)
        if not isinstance(given, UploadFile) or not given.filename:
            raise RequestError(f"{FIELD}: no file was sent", remedy="choose one; by the API, send multipart/form-data")
        return await _in_turn(request, partial(_keep, request, viewer, key, given.filename, given.file))
    finally:
        await form.close()


def _keep(request: Request, viewer: Viewer, key: str, name: str, file: BinaryIO) -> Attachment:
    made = services(request)
    kept = attach(TicketDesk(viewer.store, made.clock), key, name, file.read(), by=viewer.username)
    made.audit.note(viewer.username, "file attached", key, file=kept.id, name=kept.name)
    return kept


async def download(request: Request, viewer: Viewer, key: str, file: str) -> Response:
    """A file of that ticket, to be saved and not shown. Raises NotFound when the ticket has no such file."""

    def read() -> Response:
        made, content = read_attachment(viewer.store, file)
        if made.ticket != key:
            raise NotFound(f"there is no file {file[:40]!r} of {key[:40]!r}")
        services(request).audit.note(viewer.username, "file read", key, file=made.id, name=made.name)
        headers = {"content-disposition": disposition(made.name), "content-length": str(made.bytes)}
        # Packing it again would need all of it in memory once more, and most kinds are packed already.
        return Response(content, media_type=made.type, headers={**headers, "content-encoding": "identity"})

    return await _in_turn(request, read)


def disposition(name: str) -> str:
    """`attachment` with the name in ASCII and in full (RFC 6266, 4.1 and 4.3; RFC 8187)."""
    plain = "".join(each if " " <= each <= "~" and each not in '"\\' else "_" for each in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _in_turn(request: Request, work: Callable[[], T]) -> T:
    """In a thread, at most AT_ONCE of all requests; the others wait without holding one."""
    return await run_sync(work, limiter=request.app.state.transfers)
