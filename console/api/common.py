"""What every part of the API uses: what may go wrong, and the check of a change."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request

from console.errors import Denied
from console.viewer import Viewer, allowed

ROOT = "/api/v1"
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"description": words, "content": {"application/problem+json": {}}}
    for code, words in (
        (400, "bad request"),
        (401, "no key, or none that is known"),
        (403, "not allowed"),
        (404, "there is no such thing"),
        (409, "changed meanwhile"),
        (503, "away"),
    )
}


def changing(*needs: str) -> Any:
    """As `allowed`; a request that comes with a session's cookie has to carry its token as well."""
    base = allowed(*needs)

    def dependency(request: Request) -> Viewer:
        viewer = base(request)
        if viewer.session is not None and not viewer.session.accepts(request.headers.get("x-csrf-token", "")):
            raise Denied("X-CSRF-Token is missing or wrong", remedy="send that of the page, or use an API key")
        return viewer

    dependency.needs = needs  # type: ignore[attr-defined]
    return Depends(dependency)
