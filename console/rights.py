"""What a person may do, asked of Elasticsearch as that person: `ticket:read`, `alert:index`, `cluster:manage_security`.

The roles are declared in infrastructure/elasticsearch/roles/; nothing here knows a role by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from console.errors import Denied, Unknown
from contracts.errors import StoreRefused
from infrastructure.store import Store

CLUSTER = "cluster"


def missing(store: Store, needs: Iterable[str]) -> list[str]:
    """Those of `needs` that the store's person does not have, in their order. One request, none for no needs.

    Raises Unknown when the account is gone or disabled.
    """
    wanted = list(dict.fromkeys(needs))
    if not wanted:
        return []
    try:
        answer = store.exchange.ask("POST", "/_security/user/_has_privileges", _question(wanted))
    except StoreRefused as error:
        if error.status in (401, 403):
            raise Unknown("this account was disabled or removed", remedy="ask an administrator") from error
        raise
    return [need for need in wanted if not _has(answer, need)]


def require(store: Store, needs: Iterable[str]) -> None:
    """Raises Denied naming what is missing."""
    lacking = missing(store, needs)
    if lacking:
        raise Denied(
            f"your roles do not allow this: {', '.join(lacking)}", remedy="ask an administrator for a role that does"
        )


def _question(needs: Iterable[str]) -> dict[str, Any]:
    cluster: list[str] = []
    indices: dict[str, list[str]] = {}
    for need in needs:
        index, _, privilege = need.partition(":")
        if index == CLUSTER:
            cluster.append(privilege)
        else:
            indices.setdefault(index, []).append(privilege)
    rows = [{"names": [index], "privileges": privileges} for index, privileges in indices.items()]
    return {"cluster": cluster, "index": rows}


def _has(answer: dict[str, Any], need: str) -> bool:
    index, _, privilege = need.partition(":")
    if index == CLUSTER:
        return bool(answer["cluster"].get(privilege))
    return bool(answer["index"].get(index, {}).get(privilege))
