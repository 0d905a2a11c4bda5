"""What an ES|QL query of ours names: parameters, indices, stored fields; and whether it is bounded. By its text alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from contracts.errors import DefinitionError
from contracts.indices import BY_NAME
from dashboards.reading import nearest

TIMES = ("_tstart", "_tend")
_PARAMETER = re.compile(r"\?(\w+)")
_TEXT = re.compile(r'"""[\s\S]*?"""|"(?:[^"\\]|\\.)*"')
_QUOTED_PART = re.compile(r"\.`(\w+)`")  # a part that is a word of the language: file.`last`
_NAMED = re.compile(r"`[^`]*`")  # a column that the query makes
_FIELD = re.compile(r"(?<![\w.?@])@?[a-z]\w*(?:\.\w+)+|@timestamp")
_FROM = re.compile(r"^\s*FROM\s+([a-z0-9, -]+?)\s*(?:METADATA\b|\||$)")
_MANY = re.compile(r"\bSTATS\b[^|]*\bBY\b")
_LIMIT = re.compile(r"\|\s*LIMIT\s+\d")
_KNOWN = 1000  # queries whose reading is kept: those of the dashboards are asked over and over


@lru_cache(_KNOWN)
def parameters(query: str) -> tuple[str, ...]:
    """Names of the parameters in a query, each once."""
    return tuple(dict.fromkeys(_PARAMETER.findall(_TEXT.sub('""', query))))


def fields_of(query: str) -> tuple[str, ...]:
    """Stored fields that a query names: all our fields have a dot, or are @timestamp; columns that queries make have none."""
    plain = _NAMED.sub("", _QUOTED_PART.sub(r".\1", _TEXT.sub('""', query)))
    return tuple(dict.fromkeys(name.removesuffix(".keyword") for name in _FIELD.findall(plain)))


@lru_cache(_KNOWN)
def sources_of(query: str) -> tuple[str, ...]:
    """Indices that a query reads."""
    found = _FROM.match(query)
    return tuple(name.strip() for name in found.group(1).split(",")) if found else ()


def query_problem(query: str) -> str:
    """What is wrong with the indices, the fields and the length of an ES|QL query, "" for nothing."""
    sources = sources_of(query)
    for name in sources:
        if name not in BY_NAME:
            return f"reads {name!r}, which is none of our indices{nearest(name, BY_NAME)}"
    known = {field.name for name in sources for field in BY_NAME[name].fields}
    for name in fields_of(query):
        if name not in known:
            return f"{', '.join(sources)} has no field {name!r}{nearest(name, known)}"
    return ""


def is_cut(query: str) -> bool:
    """It groups rows without a LIMIT, so Elasticsearch would cut them at 1,000 and say so to nobody who looks at a chart."""
    return bool(_MANY.search(_TEXT.sub('""', query))) and not _LIMIT.search(query)


def bounded_by(query: str, field: str) -> bool:
    """All that it reads lies in the time range by `field`, so that Kibana's own filter on that field changes nothing."""
    return len(sources_of(query)) == 1 and f"{field} >= ?_tstart AND {field} < ?_tend" in query.replace("`", "")


def values_of(query: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters of a query as Elasticsearch takes named ones. Raises DefinitionError on one without a value."""
    names = parameters(query)
    for name in names:
        if name not in given:
            raise DefinitionError(f"nothing gives the parameter ?{name}{nearest(name, given)}")
    return [{name: given[name]} for name in names]
