"""What more may be said of a ticket when it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.errors import UserError
from datagen.definitions import nearest
from servicedesk.priority import IMPACTS, URGENCIES, priority_of
from servicedesk.sla import Agreements

ORIGINS = ("alert", "agent", "customer", "rule")
MOST_TAG = 64  # characters


@dataclass(frozen=True, slots=True)
class NewTicket:
    """`impact` × `urgency` make the priority where none is given. `origin`: alert, agent, customer or rule; "" is worked out.

    `sla`: a policy of sla.yml; "": that of the customer's contract, else of the category.
    Raises UserError on a word that is none of those known.
    """

    impact: str = ""
    urgency: str = ""
    origin: str = ""
    channel: str = ""
    language: str = ""
    skills: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    team: str = ""
    sla: str = ""
    parent: str = ""

    def __post_init__(self) -> None:
        for name, value, words in (
            ("impact", self.impact, IMPACTS),
            ("urgency", self.urgency, URGENCIES),
            ("origin", self.origin, ORIGINS),
        ):
            if value and value not in words:
                raise UserError(
                    f"{name} {value[:40]!r} is unknown{nearest(value, words)}", remedy=f"one of {', '.join(words)}"
                )
        for each in self.tags:
            tag_of(each)

    @property
    def priority(self) -> str:
        """ "" where impact or urgency is not known."""
        return priority_of(self.impact, self.urgency) if self.impact and self.urgency else ""

    def fields(self, agreements: Agreements, category: str, promised: str = "") -> dict[str, Any]:
        """Fields of `ticket`, those that are not empty. `promised`: by the contract, looked at where it is a policy.

        Raises UserError on an unknown policy in `sla`.
        """
        names = ("impact", "urgency", "origin", "channel", "language", "team", "parent")
        found: dict[str, Any] = {name: value for name in names if (value := getattr(self, name))}
        found |= {name: list(value) for name in ("skills", "tags") if (value := getattr(self, name))}
        contract = promised if promised in agreements.policies else agreements.of_category(category)
        policy = agreements.named(self.sla).name if self.sla else contract
        return found | {"sla": {"policy": policy}}


def tag_of(text: str) -> str:
    """A tag as it is kept. Raises UserError on an empty or long one."""
    tag = text.strip()
    if not tag or len(tag) > MOST_TAG or not tag.isprintable():
        raise UserError(f"{text[:40]!r} is no tag", remedy=f"use up to {MOST_TAG} printable characters")
    return tag
