"""What alerting needs from above: somebody who keeps tickets. The service desk is one; `cli` brings them together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TicketRequest:
    """An alert as a ticket needs it. `severity` 1 (critical) to 4; `at`: moment of the change; `why`: its reason;
    `again`: the same thing fired before, so that there may be a ticket of it.

    `notification` is the same however often the request is made: whoever keeps tickets acts on it once.
    """

    notification: str
    alert: str
    fingerprint: str
    watch: str
    severity: int
    title: str
    body: str
    category: str
    incident: str
    starts_at: datetime
    at: datetime
    why: str
    again: bool


class TicketOpener(Protocol):
    """Both return the ticket's id ("" when there is none) and may be asked again with the same request, to no effect."""

    def open_for_alert(self, request: TicketRequest) -> str: ...

    def resolve_for_alert(self, request: TicketRequest) -> str: ...
