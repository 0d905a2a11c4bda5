"""Expression to ES|QL text. Every sub-expression is bracketed, so that no precedence is left to chance."""

from __future__ import annotations

from kpis.expressions import Aggregate, Binary, Constant, FieldRef, In, IsNull, Node, Not

_WORDS = {"first", "last"}  # of ES|QL itself, and parts of our names


def value(node: Node) -> str:
    """ES|QL of a value or condition."""
    if isinstance(node, FieldRef):
        return field(node.name)
    if isinstance(node, Constant):
        return constant(node.value)
    if isinstance(node, Not):
        return f"(NOT {value(node.of)})"
    if isinstance(node, IsNull):
        return f"({value(node.of)} IS {'NOT ' if node.negated else ''}NULL)"
    if isinstance(node, In):
        return f"({value(node.of)} IN ({', '.join(value(member) for member in node.values)}))"
    return f"({value(node.left)} {node.op} {value(node.right)})"


def aggregate(node: Aggregate, also: str = "") -> str:
    """ES|QL of an aggregate; `also` is a further condition on its records."""
    of = "*" if node.of is None else value(node.of)
    conditions = [text for text in (value(node.where) if node.where is not None else "", also) if text]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{node.function}({of}){where}"


def field(name: str) -> str:
    """A field's name, quoted where ES|QL would read it as something else."""
    return f"`{name}`" if name.startswith("@") or not _WORDS.isdisjoint(name.split(".")) else name


def constant(value: int | float | str | bool) -> str:
    """A literal; quotes and backslashes escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def both(*conditions: Node | None) -> Node | None:
    """All of them, None when there is none."""
    result: Node | None = None
    for condition in conditions:
        if condition is not None:
            result = condition if result is None else Binary("AND", result, condition, "boolean")
    return result
