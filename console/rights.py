"""What a person may do, asked of Elasticsearch as that person: `ticket:read`, `alert:index`, `cluster:manage_security`.

The roles are declared in infrastructure/elasticsearch/roles/; nothing here knows a role by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from console.errors import Unknown
from console.gathered import Gathered
from contracts.errors import StoreRefused
from infrastructure.behalf import as_user
from infrastructure.store import Store

CLUSTER = "cluster"
AT_ONCE = 16  # questions about rights under way, each of another person


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


class Rights:
    """As `missing`, for people of whom several requests come at once: these share one question, which begins after all came.

    `store`: the console's own, which asks as its users.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._gathered: Gathered[str, str, bool] = Gathered(AT_ONCE, self._ask)

    def missing(self, username: str, needs: Iterable[str]) -> list[str]:
        answers = self._gathered.get(username, list(dict.fromkeys(needs)))
        return [need for need, has in answers.items() if not has]

    def _ask(self, username: str, needs: Sequence[str]) -> dict[str, bool]:
        lacking = missing(as_user(self._store, username), needs)
        return {need: need not in lacking for need in needs}


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
