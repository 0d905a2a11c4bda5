"""Times as a person types them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from contracts.clock import parse_iso
from contracts.errors import UserError

_STEPS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})([smhdw])")


def moment(text: str | None, default: datetime) -> datetime:
    """`2026-11-01`, `2026-11-01T10:00`, with an offset or in UTC; `default` for None. Raises UserError."""
    if text is None:
        return default
    try:
        return parse_iso(text.replace("Z", "+00:00"))
    except ValueError:
        raise UserError(f"{text!r} is not a time", remedy="write it as 2026-11-01 or 2026-11-01T10:00") from None


def optional(text: str | None) -> datetime | None:
    """The same, None for None."""
    return None if text is None else moment(text, datetime.min)


def span(text: str) -> timedelta:
    """`30s`, `5m`, `1h`, `7d`, `2w`. Raises UserError."""
    match = _SPAN.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise UserError(f"{text!r} is not a length of time", remedy="write it as 30s, 5m, 1h, 7d or 2w")
    return timedelta(**{_STEPS[match[2]]: int(match[1])})
