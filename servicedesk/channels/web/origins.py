"""Which pages may open a chat."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from contracts.settings import Settings


def allowed(headers: Mapping[str, str], settings: Settings) -> bool:
    """A page of the same host, or of channel.chat.origins. A browser always says its origin; programs need not, and have none."""
    origin = headers.get("origin", "")
    if not origin:
        return True
    named = {each.strip().rstrip("/").casefold() for each in settings.text("channel.chat.origins").split(",")} - {""}
    return origin.casefold() in named or urlsplit(origin).netloc.casefold() == headers.get("host", "").casefold()
