"""Inputs of a watch: `search`, `esql`, `http`, `simple` and `chain`, each giving a payload; transforms are the same.

`search` gives Elasticsearch's answer as Watcher shows it: `hits.total` is a number, `hits.hits` the documents. `esql`
(ours; Watcher reaches ES|QL only through its `http` input) gives `values`, one object a row with dotted column names opened
up (`incident.id` is `{"incident": {"id": …}}`), and `count`. `simple` gives what it says. `chain` gives the payload of each
of its inputs under the input's name, and each sees those before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from alerting import http_input
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
    return list(dict.fromkeys(name for _, inner in links(spec) for name in indices_of(inner)))


def links(spec: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The links of a chain with their names (those of a transform have none); nothing of any other input."""
    chain = spec.get("chain", ())
    if isinstance(chain, Mapping):
        return [next(iter(link.items())) for link in chain["inputs"]]
    return [("", link) for link in chain]


def asks_now(spec: Mapping[str, Any]) -> bool:
    """It asks what is so now, not what was so at a moment: it cannot be asked of the past."""
    return "http" in spec or any(asks_now(inner) for _, inner in links(spec))


def load(store: Store, spec: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Payload of an input or transform. Raises StoreRefused on a query that Elasticsearch does not take, and as `http_input`."""
    if "simple" in spec:
        return dict(spec["simple"])
    if "http" in spec:
        return http_input.ask(store, spec["http"], context)
    if "chain" in spec:
        return _chained(store, spec, context)
    if "esql" in spec:
        table = store.esql(render(spec["esql"]["query"], context))
        rows = [nested(row) for row in table.dicts()]
        return {"values": rows, "count": len(rows)}
    request = spec["search"]["request"]
    answer = dict(store.search(indices_of(spec)[0], **render_all(request["body"], context)))
    total = answer.get("hits", {}).get("total", 0)
    hits = {**answer.get("hits", {}), "total": total["value"] if isinstance(total, Mapping) else total}
    return {**answer, "hits": {**hits, "hits": list(hits.get("hits", []))}}


def _chained(store: Store, spec: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Of a chain of inputs all payloads by name; of a chain of transforms the last one's."""
    payload: dict[str, Any] = {}
    seen = context
    for name, inner in links(spec):
        found = load(store, inner, seen)
        payload = {**payload, name: found} if name else found
        seen = {"ctx": {**context["ctx"], "payload": payload}}
    return payload


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
