"""Conditions of Watcher without scripts: `always`, `never`, `compare`, `array_compare`. A decision tells its reason."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from alerting.durations import duration
from alerting.template import MISSING, at_path, shown
from contracts.clock import parse_iso
from contracts.sentences import sentence

_DATE_MATH = re.compile(r"<\{now(?:\s*([+-])\s*(\w+))?\}>")
_REFERENCE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


class Decision(NamedTuple):
    """`met`, and why in words."""

    met: bool
    reason: str


def decide(condition: Mapping[str, Any], context: Mapping[str, Any]) -> Decision:
    """Whether a condition holds in an execution context. Comparing what cannot be compared does not hold, and says so."""
    if "never" in condition:
        return Decision(False, sentence("condition is never"))
    if "compare" in condition:
        return _all_of(condition["compare"], context, _compare)
    if "array_compare" in condition:
        return _all_of(condition["array_compare"], context, _array_compare)
    return Decision(True, sentence("condition is always"))


_One = Callable[[str, Mapping[str, Any], Mapping[str, Any]], Decision]


def _all_of(parts: Mapping[str, Any], context: Mapping[str, Any], one: _One) -> Decision:
    decisions = [one(path, wanted, context) for path, wanted in parts.items()]
    failed = [decision for decision in decisions if not decision.met]
    return failed[0] if failed else Decision(True, "; ".join(decision.reason for decision in decisions))


def _compare(path: str, wanted: Mapping[str, Any], context: Mapping[str, Any]) -> Decision:
    (operator, operand), *_ = wanted.items()
    value, bound = at_path(context, path), _operand(operand, context)
    met = _holds(operator, value, bound)
    said = {"ctx": path, "value": shown(value) or "absent", "operator": operator, "bound": shown(bound)}
    if met:
        return Decision(True, sentence("%(ctx)s is %(value)s, %(operator)s %(bound)s", **said))
    return Decision(False, sentence("%(ctx)s is %(value)s, not %(operator)s %(bound)s", **said))


def _array_compare(path: str, wanted: Mapping[str, Any], context: Mapping[str, Any]) -> Decision:
    inner = str(wanted.get("path", ""))
    operator, rule = next((name, rule) for name, rule in wanted.items() if name != "path")
    rule = rule if isinstance(rule, Mapping) else {"value": rule}
    bound, quantifier = _operand(rule["value"], context), rule.get("quantifier", "some")
    found = at_path(context, path)
    elements = found if isinstance(found, list) else []
    count = sum(_holds(operator, at_path(item, inner) if inner else item, bound) for item in elements)
    met = count == len(elements) if quantifier == "all" else count > 0
    said = {"count": count, "all": len(elements), "ctx": path, "operator": operator, "bound": shown(bound)}
    return Decision(
        met,
        sentence(
            "%(count)s of %(all)s in %(ctx)s are %(operator)s %(bound)s (%(wanted)s wanted)", wanted=quantifier, **said
        ),
    )


def _operand(value: Any, context: Mapping[str, Any]) -> Any:
    """A constant, another place in the context (`{{path}}`), or date math (`<{now-5m}>`)."""
    if not isinstance(value, str):
        return value
    if (reference := _REFERENCE.fullmatch(value.strip())) is not None:
        return at_path(context, reference[1])
    if (sum_ := _DATE_MATH.fullmatch(value.strip())) is not None:
        now = parse_iso(context["ctx"]["execution_time"])
        step = duration(sum_[2]) if sum_[1] else timedelta()
        return now - step if sum_[1] == "-" else now + step
    return value


def check_operand(value: Any) -> None:
    """Raises ValueError when a text looks like date math but is none."""
    if isinstance(value, str) and value.strip().startswith("<{"):
        found = _DATE_MATH.fullmatch(value.strip())
        if found is None:
            raise ValueError(f"{value!r} is not date math such as <{{now-5m}}>")
        if found[1]:
            duration(found[2])


def _holds(operator: str, value: Any, bound: Any) -> bool:
    if operator in ("eq", "not_eq"):
        absent = value is MISSING or value is None
        equal = (absent and (bound is None or bound is MISSING)) or (not absent and _same(value, bound))
        return equal if operator == "eq" else not equal
    left, right = _comparable(value, bound)
    if left is None or right is None:
        return False
    return bool({"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[operator])


def _same(value: Any, bound: Any) -> bool:
    left, right = _comparable(value, bound)
    return bool(left == right if left is not None else value == bound)


def _comparable(value: Any, bound: Any) -> tuple[Any, Any]:
    """Both as numbers, as times or as texts; (None, None) when they are of different sorts."""
    if isinstance(bound, datetime):
        try:
            return (value if isinstance(value, datetime) else parse_iso(str(value))), bound
        except ValueError:
            return None, None
    numbers = (int, float)
    if isinstance(value, str) and isinstance(bound, str):
        return value, bound
    if isinstance(value, numbers) or isinstance(bound, numbers):  # as Watcher: "85" of a _cat answer is a number there
        try:
            left, right = float(value), float(bound)
        except (TypeError, ValueError, OverflowError):
            return None, None
        return (None, None) if math.isnan(left) or math.isnan(right) else (left, right)
    return None, None
