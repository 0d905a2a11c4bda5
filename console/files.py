"""Our static files, packed once at the start; their addresses carry a mark of the content, so browsers keep them."""

from __future__ import annotations

import gzip
import mimetypes
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

FOLDER = Path(__file__).parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@cache
def _contents() -> dict[str, tuple[bytes, bytes, str]]:
    """Plain, packed and media type by path."""
    found = {}
    for path in FOLDER.rglob("*"):
        if path.is_file():
            plain = path.read_bytes()
            kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
            found[path.relative_to(FOLDER).as_posix()] = plain, gzip.compress(plain, 9, mtime=0), kind
    return found


class Files:
    """An ASGI application. Only files that were there at the start are served, so a path cannot lead elsewhere."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        found = _contents().get(path)
        response: Response
        if found is None or scope["method"] not in ("GET", "HEAD"):
            response = PlainTextResponse("not found", 404)
        else:
            plain, packed, kind = found
            may_pack = "gzip" in Headers(scope=scope).get("accept-encoding", "")
            headers = {"cache-control": _FOR_EVER, "vary": "accept-encoding"}
            headers |= {"content-encoding": "gzip"} if may_pack else {}
            response = Response(packed if may_pack else plain, headers=headers, media_type=kind)
        await response(scope, receive, send)
