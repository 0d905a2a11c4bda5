"""What comes in, whatever the channel: a plain value that the steps of `pipeline` look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.ids import joined

RECEIVED, FILED, IGNORED, BOUNCED, REFUSED = "received", "filed", "ignored", "bounced", "refused"
PENDING, SENDING, SENT, FAILED = "pending", "sending", "sent", "failed"
INBOUND, OUTBOUND = "inbound", "outbound"
EMAIL, CHAT, VOICE, SURVEY = "email", "chat", "voice", "survey"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came along: `size` in bytes, `content` as delivered."""

    name: str
    type: str
    size: int
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message. `automatic`: why no person wrote it, "" otherwise; `refused`: why it is not taken, "" otherwise;
    `unanswered`: why nothing is answered by itself, "" otherwise.

    `references`: ids of the messages it answers, nearest first; `ticket`: the ticket that its subject names.
    """

    channel: str
    external_id: str
    sender: str
    text: str
    at: datetime
    recipient: str = ""
    name: str = ""
    subject: str = ""
    references: tuple[str, ...] = ()
    ticket: str = ""
    attachments: tuple[Attached, ...] = ()
    size: int = 0
    automatic: str = ""
    refused: str = ""
    unanswered: str = ""

    @property
    def id(self) -> str:
        """The same message has the same id however often, and by whichever way, it is delivered."""
        return interaction_id(self.channel, self.external_id, self.sender)


def interaction_id(channel: str, external_id: str, sender: str) -> str:
    """`sender` is part of it, so that nobody keeps a message out by sending another one under its id first."""
    return joined(("interaction", channel, external_id, sender.casefold()))


def conversation_id(customer: str, sender: str) -> str:
    """One conversation a customer over all channels; of somebody unknown, one an address."""
    return joined(("customer", customer) if customer else ("address", sender.casefold()))
