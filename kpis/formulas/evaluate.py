"""The value of a formula from the values of its inputs. Floats only; what cannot be said is said so, never 0."""

from __future__ import annotations

import math
from collections.abc import Mapping

from kpis.formulas.language import Formula, Input, Node, Number, Seconds


class NotMeasurable(ArithmeticError):
    """Divided by zero, or the result is no finite number."""


class Missing(LookupError):
    """An input has no value."""


def evaluate(formula: Formula, inputs: Mapping[Input, float | None], seconds: float) -> float:
    """Raises Missing where an input has no value, NotMeasurable on a division by zero or an overflow."""
    value = _value(formula.root, inputs, seconds)
    if not math.isfinite(value):
        raise NotMeasurable(formula.text)
    return value + 0.0  # -0.0 is 0


def _value(node: Node, inputs: Mapping[Input, float | None], seconds: float) -> float:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Seconds):
        return seconds
    if isinstance(node, Input):
        found = inputs.get(node)
        if found is None or math.isnan(found):
            raise Missing(node.kpi)
        return found
    parts = [_value(each, inputs, seconds) for each in node.of]
    if node.op == "min":
        return min(parts)
    if node.op == "max":
        return max(parts)
    left, right = parts
    if node.op == "+":
        return left + right
    if node.op == "-":
        return left - right
    if node.op == "*":
        return left * right
    if right == 0:
        raise NotMeasurable("division by zero")
    return left / right
