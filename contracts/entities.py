"""What a KPI is about."""

from __future__ import annotations

from typing import NamedTuple

SERVICES = ("voip", "mobile-voice", "sms", "epc")

# Entity types. trunk_group is the group a call leaves on (terminating), which is the one E.411 judges;
# trunk_group_in is the one it arrived on. An SBC counts every call that passes it, on either side, once.
ENTITY_TYPES = (
    "service",
    "trunk_group",
    "trunk_group_in",
    "sbc",
    "plan",
    "call_type",
    "smsc",
    "apn",
    "pgw",
    "rat",
    "feed",
    "release_cause",
    "destination",
    "cause_for_closing",
)


class Entity(NamedTuple):
    """`trunk_group:TG6` in one line."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Entity:
        """The reverse of str(). Raises ValueError on a text without a colon."""
        kind, colon, name = text.partition(":")
        if not colon:
            raise ValueError(f"{text!r} is not TYPE:ID")
        return cls(kind, name)
