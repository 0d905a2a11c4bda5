"""Conditions of a layout, for all rows at once: where do they hold?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mediation.columns.frame import Frame
from mediation.columns.values import Coded, Mask
from mediation.layout import Condition


def holds(frame: Frame, conditions: Sequence[Condition]) -> Mask:
    """Rows for which every condition holds."""
    mask = np.ones(frame.rows, bool)
    for condition in conditions:
        mask &= _one(frame, condition)
    return mask


def _one(frame: Frame, condition: Condition) -> Mask:
    value = frame.fields[condition.field]
    if condition.kind == "in":
        coded, wanted = value.coded(), frozenset(condition.values)
        return coded.spread([each in wanted for each in coded.values], bool)
    if condition.kind == "absent":
        return ~frame.present(value)
    if condition.kind == "present":
        return frame.present(value)
    if condition.kind == "range":
        if isinstance(value, Coded):
            inside = [each is not None and condition.low <= each <= condition.high for each in value.values]
            return value.spread(inside, bool)
        numbers = value.numbers()
        return frame.present(value) & (numbers >= condition.low) & (numbers <= condition.high)
    other = frame.fields[condition.other]
    return frame.present(value) & frame.present(other) & (value.numbers() < other.numbers())
