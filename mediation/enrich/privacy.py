"""What of a personal value or of a refused line is stored."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

from contracts.ids import keyed_hash
from contracts.settings import Settings
from infrastructure.secrets import pii_key


def truncated(text: str, characters: int) -> str:
    """The first characters of a value: what the layout's `pii: truncate` leaves."""
    return text[:characters]


@dataclass(frozen=True, slots=True)
class RejectPrivacy:
    """What a reject keeps of its line, by the setting `pii.reject.raw`.

    keep  the raw line and the detail, which may repeat a value of it; a retry mediates the stored line
    hash  the keyed hash of the raw line in its place, no detail: equal lines can be told, nothing can be read
    drop  neither

    After hash and drop the line exists only in its file; reason, column, file and offset still say where to look.
    """

    raw: Literal["keep", "hash", "drop"] = "keep"
    key: bytes = b""

    def apply(self, reject: MutableMapping[str, Any]) -> None:
        """Takes away from the object `reject` of a document of cdr-reject what must not be stored."""
        if self.raw == "keep":
            return
        line = reject.pop("raw", None)
        reject.pop("detail", None)
        if self.raw == "hash" and line is not None:
            reject["raw"] = keyed_hash(self.key, line)


KEEP_ALL = RejectPrivacy()


def reject_privacy(settings: Settings) -> RejectPrivacy:
    """By the setting. Raises what `pii_key` raises, where the hash is wanted."""
    raw = settings["pii.reject.raw"]
    return RejectPrivacy(raw, pii_key(settings) if raw == "hash" else b"")


def shortener(characters: int) -> Callable[[str], str]:
    """`truncated` for one column."""
    return lambda text: truncated(text, characters)
