"""What a diagnosis is made of: sessions, comparisons, incidents, what is owed, and the causes that follow."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from contracts.clock import iso
from contracts.entities import Entity
from servicedesk.subscriptions import Subscription

# How a session went: `bad` the network failed it, `poor` it was there and sounded or ran badly, `user` it did not come about
# by the user's own doing (busy, no answer), `good`, or `unknown`.
VERDICTS = ("bad", "poor", "user", "good", "unknown")


@dataclass(frozen=True, slots=True)
class Session:
    """A call, message or data session. `what` in words; `quality` value by name with its unit; `places` where it went;
    `said` what its record says beside them that incidents may name (release cause, destination, cause for closing)."""

    at: datetime
    service: str
    verdict: str
    what: str
    places: tuple[Entity, ...] = ()
    quality: dict[str, float] = field(default_factory=dict)
    cell: str = ""
    region: str = ""
    destination: str = ""
    said: tuple[Entity, ...] = ()

    @property
    def went_badly(self) -> bool:
        return self.verdict in ("bad", "poor")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A KPI of a place in one hour beside what is normal there. `normal` None: too little to say. `text` in words."""

    entity: Entity
    kpi: str
    at: datetime
    actual: float
    lower: float | None
    upper: float | None
    samples: float
    unit: str
    normal: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Touching:
    """An incident that touches the customer. `place`: by which of their places, "" by the whole service only."""

    id: str
    title: str
    reason: str
    status: str
    start: datetime
    place: str
    service: str


@dataclass(frozen=True, slots=True)
class Account:
    """What may stop service without any fault: `suspended` subscriptions, invoices `overdue`, what is owed in words."""

    status: str
    suspended: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    owed: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """`likelihood` 0–100, a rank and not a probability; `evidence` and `next_steps` in plain words."""

    kind: str
    likelihood: int
    title: str
    evidence: tuple[str, ...]
    next_steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`causes`: the probable one first, never empty. `missing`: parts that who asks may not read. `took_ms`: how long it took."""

    customer_id: str
    name: str
    asked: str
    at: datetime
    subscriptions: tuple[Subscription, ...]
    sessions: tuple[Session, ...]
    comparisons: tuple[Comparison, ...]
    incidents: tuple[Touching, ...]
    tickets: tuple[str, ...]
    account: Account
    causes: tuple[Cause, ...]
    missing: tuple[str, ...] = ()
    took_ms: float = 0.0

    @property
    def probable(self) -> Cause:
        return self.causes[0]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for machines; times as ISO text, entities as `type:id`."""
        plain: dict[str, Any] = _plain(asdict(self))
        for row, one in zip(plain["subscriptions"], self.subscriptions, strict=True):
            row["serving"] = [str(entity) for entity in one.serving]
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Entity):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        # asdict makes an entity's own tuple anew, as an entity.
        return [_plain(each) for each in value]
    return value
