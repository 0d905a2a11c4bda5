"""What customers have: numbers, trunks, broadband lines, enterprise services; and what serves each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.entities import Entity
from infrastructure.store import Store
from kpis.points import latest
from servicedesk.profiles import Customer

KINDS = ("mobile", "thing", "trunk", "broadband", "enterprise")
MOST = 1000  # subscriptions of one customer that are read
HOUR = 3600
_SERVICES = {"mobile": ("mobile-voice", "sms", "epc", "voip"), "thing": ("epc", "sms"), "trunk": ("voip",)}


@dataclass(frozen=True, slots=True)
class Subscription:
    """`key`: keyed hash of its number, "" where it has none. `status`: active, suspended or ended."""

    id: str
    kind: str
    status: str
    plan: str
    since: str
    until: str
    region: str
    cell: str
    trunk_group: str
    apn: str
    device: str
    key: str
    services: tuple[str, ...]

    @property
    def serving(self) -> tuple[Entity, ...]:
        """What serves it, as the entities that KPIs are kept for, the nearest first."""
        near = (("trunk_group", self.trunk_group), ("apn", self.apn), ("plan", self.plan))
        return (
            *(Entity(kind, name) for kind, name in near if name),
            *(Entity("service", name) for name in self.services),
        )

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Subscription:
        """From a document of index `subscription`."""
        row = document["subscription"]
        names = ("plan", "since", "until", "region", "cell", "trunk_group", "apn", "device")
        return cls(
            id=row["id"],
            kind=row.get("kind", "mobile"),
            status=row.get("status", "active"),
            key=document.get("subscriber", {}).get("key", ""),
            services=_SERVICES.get(row.get("kind", "mobile"), ()),
            **{name: str(row.get(name, "")) for name in names},
        )


def subscriptions_of(store: Store, customer: Customer) -> list[Subscription]:
    """Their subscriptions by kind and id; where none are kept, those that the customer's own document tells of."""
    query = {"term": {"customer.id": customer.id}}
    sort = [{"subscription.kind": "asc"}, {"subscription.id": "asc"}]
    hits = store.search("subscription", query=query, size=MOST, sort=sort, track_total_hits=False)["hits"]["hits"]
    return [Subscription.of(hit["_source"]) for hit in hits] or _told_by(customer)


def kpis_of(store: Store, subscription: Subscription) -> list[dict[str, Any]]:
    """The newest hourly value of every KPI of what serves it, nearest place first: `kpi`, `entity`, `at`, `value`, `unit`.

    The whole service's figures are left out where a nearer place has any.
    """
    near = [entity for entity in subscription.serving if entity.type != "service"]
    for entities in (near, [entity for entity in subscription.serving if entity.type == "service"]):
        found = [row for entity in entities for row in _newest(store, entity)]
        if found:
            return found
    return []


def _newest(store: Store, entity: Entity) -> list[dict[str, Any]]:
    return [
        {
            "kpi": point["kpi"]["id"],
            "entity": str(entity),
            "at": point["@timestamp"],
            "value": point["kpi"]["value"],
            "unit": point["kpi"]["unit"],
        }
        for point in latest(store, HOUR, entity)
    ]


def _told_by(customer: Customer) -> list[Subscription]:
    nothing = {"plan": customer.plan, "since": customer.since, "until": "", "region": "", "cell": "", "device": ""}
    lines = [("mobile", f"{customer.id}/{number}", "", key) for number, key in enumerate(customer.keys, 1)]
    trunks = [("trunk", f"{customer.id}/{group}", group, "") for group in customer.trunk_groups]
    return [
        Subscription(
            **{**nothing, "plan": "" if kind == "trunk" else customer.plan},
            id=name,
            kind=kind,
            status=customer.status,
            trunk_group=group,
            apn="",
            key=key,
            services=tuple(each for each in _SERVICES[kind] if not customer.services or each in customer.services),
        )
        for kind, name, group, key in (*lines, *trunks)
    ]
