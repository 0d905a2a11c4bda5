"""What a KPI counts: calls and sessions where records were put together, or every record (mediation/correlate).

A record that was taken into a call or session says so (`cdr.correlated`), and why it adds nothing there, if so
(`cdr.surplus`); what was made of records is of the kind `call` or `session`. Quality reports and steps are no calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from contracts.fields import CDR
from kpis import compiler
from kpis.catalogue import Service
from kpis.definitions import Definition, Per
from kpis.expressions import Node, fields_of
from kpis.interpreter import evaluate
from kpis.parser import parse_condition

_TEXT: dict[Per, str] = {
    "call": 'cdr.correlated IS NULL AND cdr.surplus IS NULL AND (cdr.kind IS NULL OR cdr.kind IN ("cdr", "call", "session"))',
    "record": 'cdr.surplus IS NULL AND (cdr.kind IS NULL OR NOT (cdr.kind IN ("call", "session")))',
}
_NODES: dict[Per, Node] = {per: parse_condition(text, fields_of(CDR), {}, __name__) for per, text in _TEXT.items()}
_MADE = ("call", "session")


def condition(per: Per) -> str:
    """ES|QL of whether a document counts; "" where all do."""
    return compiler.value(_NODES[per]) if per in _NODES else ""


def counts(definition: Definition, document: Mapping[str, Any]) -> bool:
    """The same of a document in memory."""
    return definition.per not in _NODES or evaluate(_NODES[definition.per], document) is True


def is_delivered(document: Mapping[str, Any]) -> bool:
    """Whether it is a record as delivered, and not made of several."""
    return document.get("cdr", {}).get("kind") not in _MADE


def sources(service: Service, definitions: Iterable[Definition]) -> str:
    """Indices that hold what these definitions count."""
    return ", ".join(service.sources if any(one.per == "call" for one in definitions) else service.sources[:1])
