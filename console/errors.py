"""What a request may end in besides a page. Each names its HTTP status."""

from __future__ import annotations

from contracts.errors import UserError


class RequestError(UserError):
    """`status`: the HTTP status that says it."""

    status = 400


class NotFound(RequestError):
    status = 404


class Denied(RequestError):
    """Signed in, and not allowed."""

    status = 403


class Unknown(RequestError):
    """Not signed in, or no longer."""

    status = 401


class TooMany(RequestError):
    """`retry_sec`: when to come back."""

    status = 429

    def __init__(self, what: str, *, retry_sec: int) -> None:
        super().__init__(what, remedy=f"try again in {retry_sec} s")
        self.retry_sec = retry_sec
