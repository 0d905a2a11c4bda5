"""Inputs of a watch: `search` and `esql`, each giving a payload.

`search` gives Elasticsearch's answer as Watcher shows it: `hits.total` is a number, `hits.hits` the documents.
`esql` (ours; Watcher reaches ES|QL only through its `http` input) gives `values`, one object a row with dotted column
names opened up (`incident.id` is `{"incident": {"id": …}}`), and `count`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from alerting.template import render, render_all
from infrastructure.store import Store

_FROM = re.compile(r"^\s*FROM\s+([\w.,\-* ]+?)(?:\s+METADATA\b.*)?\s*(?:\||$)", re.IGNORECASE | re.MULTILINE)


def indices_of(spec: Mapping[str, Any]) -> list[str]:
    """Names of the indices that an input or transform reads; empty when it reads none that can be told."""
    if "search" in spec:
        named = spec["search"]["request"]["indices"]
        return [named] if isinstance(named, str) else list(named)
    if "esql" in spec:
        match = _FROM.match(spec["esql"]["query"])
        return [name.strip() for name in match[1].split(",")] if match else []
    return []


def load(store: Store, spec: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Payload of an input. Raises StoreRefused on a query that Elasticsearch does not take."""
    if "esql" in spec:
        table = store.esql(render(spec["esql"]["query"], context))
        rows = [nested(row) for row in table.dicts()]
        return {"values": rows, "count": len(rows)}
    request = spec["search"]["request"]
    answer = dict(store.search(indices_of(spec)[0], **render_all(request["body"], context)))
    total = answer.get("hits", {}).get("total", 0)
    hits = {**answer.get("hits", {}), "total": total["value"] if isinstance(total, Mapping) else total}
    return {**answer, "hits": {**hits, "hits": list(hits.get("hits", []))}}


def nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """`{"incident.id": 1}` as `{"incident": {"id": 1}}`; columns without a value are left out.

    A column whose parent is a value itself keeps its dotted name (`a` and `a.b`, which only an EVAL can make).
    """
    tree: dict[str, Any] = {}
    for column, value in sorted(row.items()):
        if value is None:
            continue
        *parents, leaf = column.split(".")
        level: Any = tree
        for parent in parents:
            level = level.setdefault(parent, {}) if isinstance(level, dict) else level
        if isinstance(level, dict):
            level[leaf] = value
        else:
            tree[column] = value
    return tree
