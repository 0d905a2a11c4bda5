"""Index templates made from contracts: strict mappings, settings, aliases. Pure: plain dicts out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from contracts.fields import Field
from contracts.indices import ALL, CDR_INDEX, Index, concrete

PRODUCT = "busyhour"
PRIORITY = 500  # above Elasticsearch's own templates (100–200), so that none of them takes our names
KEYWORD_LENGTH = 512  # characters of a text that its .keyword sorts and groups by; longer texts are searched only
# Beginnings of words are indexed beside them, so that a search as one types reads one list instead of thousands.
_BEGINNINGS = {
    "type": "text",
    "index_prefixes": {"min_chars": 1, "max_chars": 15},
    "norms": False,
    "index_options": "docs",
}
_REFRESH_GROWING = "5s"  # a fifth of the refresh work of the default
_REFRESH_RECORDS = "10s"  # nobody watches single records appear, and the jobs that count them refresh before they read


def properties(fields: Iterable[Field]) -> dict[str, Any]:
    """Nested `properties` of a strict mapping. A name that is both a value and a parent is our defect: ValueError."""
    tree: dict[str, Any] = {}
    for field in fields:
        *parents, leaf = field.name.split(".")
        level = tree
        for parent in parents:
            level = level.setdefault(parent, {"properties": {}})["properties"]
        if leaf in level:
            raise ValueError(f"field {field.name} is declared twice, or is a parent too")
        level[leaf] = field_type(field)
    return tree


def field_type(field: Field) -> dict[str, Any]:
    """Elasticsearch mapping of one field.

    A `blob` lives in the source only (searched by nobody, no 32,766-byte limit), yet ES|QL and fetches can read it.
    """
    if field.type in ("text", "typed"):
        beside: dict[str, Any] = {"keyword": {"type": "keyword", "ignore_above": KEYWORD_LENGTH}}
        beside |= {"typed": _BEGINNINGS} if field.type == "typed" else {}
        return {"type": "text", "fields": beside}
    if field.type == "prose":
        return {"type": "text"}
    if field.type == "prefix":
        return {**_BEGINNINGS, "analyzer": "keyword"}
    if field.type == "blob":
        return {"type": "keyword", "index": False, "doc_values": False}
    return {"type": field.type}


def mapping(index: Index, period: str) -> dict[str, Any]:
    """Whole mapping of an index: unknown fields are refused, never guessed."""
    body = {"dynamic": "strict", "date_detection": False, "properties": properties(index.fields)}
    return {**body, "_meta": {"managed_by": PRODUCT, "version": version(index), "period": period}}


def settings(index: Index) -> dict[str, Any]:
    """One shard (a partition of a busy month stays far under 50 GB), one replica as soon as there is a second node.

    `coerce` off: a fraction in a whole-number field, or a number in quotes, is refused instead of silently cut.
    """
    values: dict[str, Any] = {
        "index.number_of_shards": 1,
        "index.auto_expand_replicas": "0-1",
        "index.mapping.coerce": False,
        "index.mapping.ignore_malformed": False,
    }
    if not index.grows:
        return values
    records = index.name in CDR_INDEX.values()
    return {**values, "index.refresh_interval": _REFRESH_RECORDS if records else _REFRESH_GROWING}


def patterns(index: Index) -> list[str]:
    """Names that the template takes. A partition goes on with a digit, so that `kpi-1d-…` takes nobody else's names."""
    return [f"{index.name}-{digit}*" for digit in range(10)] if index.grows else [concrete(index.name)]


def template_name(index: Index) -> str:
    return f"{PRODUCT}-{index.name}"


def template(index: Index, period: str) -> dict[str, Any]:
    """Body of `PUT _index_template/busyhour-<name>`."""
    return {
        "index_patterns": patterns(index),
        "priority": PRIORITY,
        "template": {
            "settings": settings(index),
            "mappings": mapping(index, period),
            "aliases": {index.name: {} if index.grows else {"is_write_index": True}},
        },
        "_meta": {"managed_by": PRODUCT, "version": version(index), "period": period},
    }


def version(index: Index) -> str:
    """Changes whenever the template does: digest of all that it is made of."""
    content = [properties(index.fields), settings(index), patterns(index), index.grows]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def versions() -> dict[str, str]:
    """Version of every template by template name: what a store must find to be written to."""
    return {template_name(index): version(index) for index in ALL}
