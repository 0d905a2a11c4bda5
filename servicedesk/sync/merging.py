"""One row of a legacy system against what is stored: what is new there, what was changed here, and what contradicts. Pure.

Three values decide about each column: what the system had when it was last looked at, what it has now, and what stands
here. Changed there only: taken over. Changed here only: stays. Changed on both sides to different values: a conflict, which
is reported, and stays as it is here until somebody decides. Of contacts each person is decided on alone: both sides may add.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Values = dict[str, Any]  # by column, read and checked; absent: no value
_TOGETHER = ("contacts",)
_ABSENT: Any = ("", [], None)


class Merged(NamedTuple):
    """`values`: what is to stand here. `changed`: columns taken over. `conflicts`: column → (theirs, ours)."""

    values: Values
    changed: tuple[str, ...]
    conflicts: dict[str, tuple[Any, Any]]


def merged(theirs: Values, here: Values, last: Values | None) -> Merged:
    """`last`: theirs when they were last looked at; None: never, so that what stands here and differs is a conflict.

    A column that is not delivered is left alone; one that is delivered empty is cleared, by the same rule.
    """
    values, changed, conflicts = dict(here), [], {}
    for column, new in theirs.items():
        old, own = (last or {}).get(column, ""), here.get(column, "")
        if _same(new, own) or (last is not None and _same(new, old)):
            continue
        if column in _TOGETHER:
            values[column] = _both(new or [], own or [], old or [])
            changed += [] if _same(values[column], own) else [column]
        elif _same(own, old) or (last is None and own in _ABSENT):
            values[column] = new
            changed.append(column)
        else:
            conflicts[column] = (new, own)
    return Merged({name: value for name, value in values.items() if value not in _ABSENT}, tuple(changed), conflicts)


def _both(theirs: list[str], own: list[str], last: list[str]) -> list[str]:
    """What stands here, without what they took away, and with what they added."""
    gone = set(last) - set(theirs)
    return sorted({one for one in own if one not in gone} | (set(theirs) - set(last)))


def remembered(theirs: Values, last: Values | None, conflicts: Mapping[str, Any]) -> Values:
    """What to remember as theirs: all of it but what is in conflict, so that it is reported again until it is solved."""
    before = last or {}
    kept = {name: before[name] for name in conflicts if name in before}
    return {**before, **{name: value for name, value in theirs.items() if name not in conflicts}, **kept}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) or isinstance(other, list):
        return sorted(one or []) == sorted(other or [])
    return bool((one or "") == (other or ""))
