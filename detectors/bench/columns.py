"""A KPI's expressions over the columns of a generated table: the meaning of `kpis.interpreter`, many rows at once.

A field that the table lacks is null everywhere. A value is an array beside a mask of what is known; AND, OR and NOT follow
three-valued logic, and what is not true is not counted. A test holds it to the pure twin.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.errors import InternalError
from datagen.table import MISSING, Column, Table, length
from detectors.panel import Bools, Floats
from kpis.expressions import Aggregate, Binary, Constant, FieldRef, In, IsNull, Node, Not

_COMPARE = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_ARITHMETIC = {"+": np.add, "-": np.subtract, "*": np.multiply}


class Vector(NamedTuple):
    """Values of a node, one a row: numbers, truth values, or indices into `labels`; meaningless where not `known`."""

    values: NDArray[Any]
    known: Bools
    labels: tuple[str, ...] = ()


def evaluate(node: Node, table: Table) -> Vector:
    """Value of an expression for every row. Raises InternalError on what no KPI of the catalogue uses."""
    if isinstance(node, FieldRef):
        return _field(node, table)
    if isinstance(node, Constant):
        return Vector(np.full(length(table), node.value), np.ones(length(table), dtype=bool))
    if isinstance(node, IsNull):
        known = evaluate(node.of, table).known
        return Vector(known if node.negated else ~known, np.ones_like(known))
    if isinstance(node, Not):
        inner = evaluate(node.of, table)
        return Vector(~inner.values, inner.known)
    if isinstance(node, In):
        found = evaluate(node.of, table)
        members = [_as_value(member.value, found.labels) for member in node.values]
        return Vector(np.isin(found.values, members), found.known)
    return _binary(node, table)


def amounts(aggregate: Aggregate, table: Table) -> Floats:
    """What each row adds to an aggregate; 0: nothing."""
    counted = np.ones(length(table), dtype=bool)
    if aggregate.where is not None:
        counted = holds(aggregate.where, table)
    if aggregate.of is None:
        return counted.astype(float)
    found = evaluate(aggregate.of, table)
    counted &= found.known
    return np.where(counted, 1.0 if aggregate.function == "COUNT" else found.values, 0.0)


def holds(node: Node, table: Table) -> Bools:
    """Where a condition is true; null is not."""
    found = evaluate(node, table)
    return np.asarray(found.values.astype(bool) & found.known)


def _field(node: FieldRef, table: Table) -> Vector:
    column: Column | None = table.get(node.name)
    if column is None:
        nothing = np.zeros(length(table), dtype=bool if node.kind == "boolean" else np.int64)
        return Vector(nothing, np.zeros(length(table), dtype=bool), ("",) if node.kind == "text" else ())
    known = column.values != MISSING
    if node.kind == "boolean":
        return Vector(column.values == column.labels.index("true"), known)
    if column.kind == "label":
        return Vector(column.values, known, column.labels)
    return Vector(column.values / 10**column.places if column.places else column.values, known)


def _as_value(value: Any, labels: tuple[str, ...]) -> Any:
    """A constant as a column of these labels holds it; −2 (never met) for a word that no row has."""
    if isinstance(value, str):
        return labels.index(value) if value in labels else -2
    return value


def _binary(node: Binary, table: Table) -> Vector:
    if node.op in _COMPARE and isinstance(node.right, Constant):
        left = evaluate(node.left, table)
        return Vector(_COMPARE[node.op](left.values, _as_value(node.right.value, left.labels)), left.known)
    left, right = evaluate(node.left, table), evaluate(node.right, table)
    if node.op in ("AND", "OR"):
        decides = node.op == "OR"
        decided = (left.known & (left.values == decides)) | (right.known & (right.values == decides))
        return Vector(np.where(decided, decides, not decides), decided | (left.known & right.known))
    both = left.known & right.known
    if node.op in _COMPARE:
        return Vector(_COMPARE[node.op](left.values, right.values), both)
    if node.op in _ARITHMETIC:
        return Vector(_ARITHMETIC[node.op](left.values, right.values), both)
    raise InternalError(f"the bench cannot evaluate {node.op}", remedy="add it to detectors/bench/columns.py")
