"""Expression over one record in pure Python, with the meaning that ES|QL gives it: what the twin counts by."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from contracts.clock import epoch_ms
from kpis.expressions import Aggregate, Binary, Constant, FieldRef, In, IsNull, Node, Not

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LARGEST = 2**63 - 1


def field(document: Mapping[str, Any], name: str) -> Any:
    """Value at a dotted name of a nested document; None where it is absent or holds several values."""
    found: Any = document
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found if not isinstance(found, list) else None


def moment_ms(document: Mapping[str, Any], name: str) -> int | None:
    """A date field in milliseconds since the epoch."""
    text = field(document, name)
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return epoch_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def evaluate(node: Node, document: Mapping[str, Any]) -> Any:
    """A number, text, truth value, or None for null."""
    if isinstance(node, FieldRef):
        found = field(document, node.name)
        return float(found) if node.kind == "double" and found is not None else found
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, IsNull):
        return (evaluate(node.of, document) is None) != node.negated
    if isinstance(node, Not):
        truth = evaluate(node.of, document)
        return None if truth is None else not truth
    if isinstance(node, In):
        found = evaluate(node.of, document)
        return None if found is None else any(found == member.value for member in node.values)
    return _binary(node, document)


def _binary(node: Binary, document: Mapping[str, Any]) -> Any:
    left, right = evaluate(node.left, document), evaluate(node.right, document)
    if node.op in ("AND", "OR"):
        decides = node.op == "OR"  # OR is true, AND is false, as soon as one side is
        if left is decides or right is decides:
            return decides
        return None if left is None or right is None else not decides
    if left is None or right is None:
        return None
    if node.op in _COMPARE:
        return _COMPARE[node.op](left, right)
    return _arithmetic(node.op, left, right, whole=node.kind == "long")


def _arithmetic(op: str, left: int | float, right: int | float, *, whole: bool) -> int | float | None:
    """Null where ES|QL gives null: division by zero, 64-bit overflow, a result that is not finite."""
    if op == "/":
        if right == 0:
            return None
        if whole:
            quotient = abs(int(left)) // abs(int(right))
            return quotient if (left < 0) == (right < 0) else -quotient
        result: int | float = left / right
    else:
        result = left + right if op == "+" else left - right if op == "-" else left * right
    if whole:
        return result if -_LARGEST - 1 <= result <= _LARGEST else None
    return result if math.isfinite(result) else None


def counts(aggregate: Aggregate, document: Mapping[str, Any]) -> int | float:
    """What one record adds to an aggregate (0: nothing)."""
    if aggregate.where is not None and evaluate(aggregate.where, document) is not True:
        return 0
    if aggregate.of is None:
        return 1
    found = evaluate(aggregate.of, document)
    if found is None:
        return 0
    result: int | float = 1 if aggregate.function == "COUNT" else found
    return result
