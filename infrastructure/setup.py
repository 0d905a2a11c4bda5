"""Makes Elasticsearch ready for us: templates, fixed indices, roles, cluster setting. Run again at will; it loses nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable

from contracts.errors import StoreRefused, UserError
from contracts.indices import ALL, Index, concrete
from infrastructure import mappings
from infrastructure.exchange import cause, path_of
from infrastructure.roles import install_roles
from infrastructure.store import Store

ESQL_ROWS = 100_000  # rows of an answer that the roll-up of a dense day needs; measured: 80,000 points in 0.65 s
_NAMES_A_REQUEST = 50
_log = logging.getLogger(__name__)


def _silent(_: str) -> None:
    """Nobody listens."""


def set_up(store: Store, say: Callable[[str], None] = _silent) -> list[str]:
    """Installs or upgrades everything; returns what was done, one line each (the same work again: an empty list).

    Raises UserError when partition.period differs from that of stored data, StoreRefused when a right is missing or
    a field's type cannot be changed in place.
    """
    period = store.settings.text("partition.period")
    installed = store.installed()
    stored = existing(store)
    _check_period(installed, stored, period)
    done: list[str] = []

    def did(text: str) -> None:
        done.append(text)
        say(text)

    for index in ALL:
        meta = installed.get(mappings.template_name(index), {})
        if (meta.get("version"), meta.get("period")) != (mappings.version(index), period):
            store.exchange.ask("PUT", _template_path(index), mappings.template(index, period))
            did(f"template {mappings.template_name(index)}")
        for name in stored.get(index.name, ()):
            if _upgraded(store, index, name, period):
                did(f"mapping of {name}")
        if not index.grows and concrete(index.name) not in stored.get(index.name, ()):
            _create(store, concrete(index.name))
            did(f"index {concrete(index.name)}")
    for role in install_roles(store):
        did(f"role {role}")
    if _raise_row_cap(store):
        did(f"ES|QL answers up to {ESQL_ROWS} rows")
    if not store.info()["lifecycle"]:
        _log.info("no lifecycle policies here; none is needed, retention drops whole partitions")
    store.forget()
    return done


def tear_down(store: Store) -> None:
    """Deletes our indices with all their documents, and our templates."""
    names = [name for partitions in existing(store).values() for name in partitions]
    _delete(store, names)
    if store.installed():
        store.exchange.ask("DELETE", f"/_index_template/{mappings.PRODUCT}-*", allow=(404,))
    store.forget()


def _create(store: Store, name: str) -> None:
    """An index that is there already is fine: another set-up runs beside this one, or the answer to the first try was lost."""
    answer = store.exchange.ask("PUT", path_of(name), allow=(400,))
    kind, reason = cause(answer)
    if kind not in ("", "resource_already_exists_exception"):
        raise StoreRefused(f"index cannot be created: {reason}", where=name)


def empty(store: Store) -> None:
    """Deletes all our documents: Elasticsearch is then as `set_up` leaves it. Quicker than tearing it down."""
    used = _written(store)
    _delete(store, used)
    for index in ALL:
        if not index.grows and concrete(index.name) in used:
            _create(store, concrete(index.name))


def _written(store: Store) -> list[str]:
    """Our indices that were ever written to."""
    names = [name for partitions in existing(store).values() for name in partitions]
    used = []
    for start in range(0, len(names), _NAMES_A_REQUEST):
        path = path_of(",".join(names[start : start + _NAMES_A_REQUEST]), "_stats", "docs")
        params = {"level": "shards", "filter_path": "indices.*.shards.*.seq_no.max_seq_no"}
        for name, stats in store.exchange.ask("GET", path, params=params).get("indices", {}).items():
            copies = [copy for shard in stats["shards"].values() for copy in shard]
            if any(copy["seq_no"]["max_seq_no"] >= 0 for copy in copies):
                used.append(name)
    return used


def _delete(store: Store, names: list[str]) -> None:
    """By their full names, some at a time: an address has 4,096 bytes, and a cluster may refuse wildcards."""
    for start in range(0, len(names), _NAMES_A_REQUEST):
        store.exchange.ask("DELETE", path_of(",".join(names[start : start + _NAMES_A_REQUEST])), allow=(404,))


def existing(store: Store) -> dict[str, list[str]]:
    """Our concrete indices that are there, sorted, by alias."""
    pattern = ",".join(f"{index.name}-*" for index in ALL)
    answer = store.exchange.ask(
        "GET", path_of(pattern, "_settings", "index.uuid"), params={"ignore_unavailable": "true"}
    )
    found: dict[str, list[str]] = {}
    for name in sorted(answer):
        owner = next((index for index in ALL if _owns(index, name)), None)
        if owner is not None:
            found.setdefault(owner.name, []).append(name)
    return found


def _owns(index: Index, name: str) -> bool:
    if not index.grows:
        return name == concrete(index.name)
    return name.startswith(f"{index.name}-") and name[len(index.name) + 1 : len(index.name) + 2].isdigit()


def _check_period(installed: dict[str, dict[str, str]], stored: dict[str, list[str]], period: str) -> None:
    kept = {meta["period"] for meta in installed.values() if "period" in meta}
    data = [name for index in ALL if index.grows for name in stored.get(index.name, ())]
    if data and kept and kept != {period}:
        raise UserError(
            f"partition.period is {period!r}, but data is stored by {'/'.join(sorted(kept))} "
            f"({len(data)} partitions, {data[0]} …)",
            where="partition.period",
            remedy=f"set it back to {sorted(kept)[0]!r}; it can be changed only while nothing is stored",
        )


def _template_path(index: Index) -> str:
    return path_of("_index_template", mappings.template_name(index))


def _upgraded(store: Store, index: Index, name: str, period: str) -> bool:
    """Adds new fields to an index that was made by an earlier version; False when it has them."""
    meta = store.exchange.ask("GET", path_of(name, "_mapping"), params={"filter_path": "*.mappings._meta"})
    if meta.get(name, {}).get("mappings", {}).get("_meta", {}).get("version") == mappings.version(index):
        return False
    body = mappings.mapping(index, period)
    try:
        store.exchange.ask("PUT", path_of(name, "_mapping"), body)
    except StoreRefused as error:
        raise StoreRefused(
            f"its fields cannot be brought up to date: {error.what}",
            where=name,
            remedy="keep it with the version that wrote it, or delete it and mediate its files again",
        ) from error
    return True


def _raise_row_cap(store: Store) -> bool:
    """True when it was raised. Without the right to, queries are asked over shorter windows, which is slower."""
    store.forget()
    if store.server_row_cap() >= ESQL_ROWS:
        return False
    try:
        store.exchange.ask(
            "PUT", "/_cluster/settings", {"persistent": {"esql.query.result_truncation_max_size": ESQL_ROWS}}
        )
    except StoreRefused as error:
        _log.info("row cap of ES|QL left as it is: %s", error.what)
        return False
    return True
